# memd in a small image: built in one stage, run as an unprivileged user in the next.
#
#     docker build -t memd .
#     docker run -d -p 6379:6379 -v memd:/data -e REDIS_PASSWORD=choose-one memd
#
# Port 9121 has /healthz and /readyz for all who can reach it; /metrics for who knows MEMD_METRICS_PASSWORD.
#
# Every setting of memd.conf can be given as MEMD_NAME (MEMD_MAXMEMORY=2gb), or as an option after the
# image's name. Without a password memd answers no other machine (protected-mode).

FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc make libc6-dev libevent-dev libjemalloc-dev liblzf-dev libstemmer-dev libpcre2-dev libsqlite3-dev libcjson-dev libzstd-dev libssl-dev libluajit-5.1-dev lua-cjson-dev
COPY . /src
WORKDIR /src
RUN make clean && make -j"$(nproc)" && make install DESTDIR=/out PREFIX=/usr

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends libevent-core-2.1-7 libevent-extra-2.1-7 libjemalloc2 liblzf1 libstemmer0d libpcre2-8-0 libsqlite3-0 libcjson1 libzstd1 libssl3 libluajit-5.1-2 && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 6379 memd && useradd --system --uid 6379 --gid memd --home-dir /data --no-create-home memd && install -d -m 700 -o memd -g memd /data
COPY --from=build /out/usr/bin/memd /usr/bin/memd
COPY memd.conf /etc/memd/memd.conf
ENV MEMD_DIR=/data MEMD_APPENDONLY=yes MEMD_BIND="* -::*" MEMD_METRICS_PORT=9121 MEMD_METRICS_BIND="* -::*"
USER memd
WORKDIR /data
VOLUME /data
EXPOSE 6379 9121
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["memd", "--ping"]
ENTRYPOINT ["memd", "/etc/memd/memd.conf"]
