/* err.h -- every outcome that is not success, and its text.
 *
 * Functions that can fail return enum err, OK being zero. The dispatcher turns a handler's code into
 * the error reply: the texts are part of the protocol and equal Redis's byte for byte. "%s" in a text
 * stands for call->err_arg. Codes without a text are internal and never reach a client. */
#ifndef MEMD_BASE_ERR_H
#define MEMD_BASE_ERR_H

/* code, text */
#define ERR_TABLE(X) \
    X(ERR_NO_KEY, NULL) /* a look-up found nothing; handlers decide what that means */ \
    X(ERR_NOT_DONE, NULL) /* a condition (NX, XX ...) did not hold: nothing was changed */ \
    X(CALL_BLOCKED, NULL) /* the handler asked to wait: call_block */ \
    X(CALL_ASIDE, NULL) /* the handler would take too long here: call_host */ \
    X(CALL_REPLIED_ERROR, NULL) /* the handler wrote an error reply itself */ \
    X(CALL_COUNTED_ERROR, NULL) /* the same, and it is in the statistics already */ \
    X(ERR_WRONG_TYPE, "WRONGTYPE Operation against a key holding the wrong kind of value") \
    X(ERR_SYNTAX, "ERR syntax error") \
    X(ERR_JSON_NO_KEY, "ERR could not perform this operation on a key that doesn't exist") \
    X(ERR_JSON_NEW_ROOT, "ERR new objects must be created at the root") \
    X(ERR_JSON_NO_PATH, "ERR Path does not exist") \
    X(ERR_JSON_PATH_OR, "ERR Path does not exist or %s") \
    X(ERR_JSON_STATIC, "ERR wrong static path") \
    X(ERR_JSON_INDEX, "ERR array index out of range") \
    X(ERR_JSON_BOUNDS, "ERR index out of bounds") \
    X(ERR_JSON_NOT_A_NUMBER, "ERR result is not a number") \
    X(ERR_JSON_WRONG, "WRONGTYPE wrong type of path value - expected %s") \
    X(ERR_JSON_FORMAT, "ERR FORMAT argument is not supported on RESP2") \
    X(ERR_JSON_DEBUG, "ERR unknown subcommand - try `JSON.DEBUG HELP`") \
    X(ERR_JSON_TOO_DEEP, "ERR recursion limit exceeded: a document has at most 128 arrays and objects in each other") \
    X(ERR_JSON_TOO_MUCH, "ERR the path matches too much") \
    X(ERR_ARITY, "ERR wrong number of arguments for '%s' command") \
    X(ERR_NOT_INT, "ERR value is not an integer or out of range") \
    X(ERR_NOT_FLOAT, "ERR value is not a valid float") \
    X(ERR_OUT_OF_RANGE, "ERR value is out of range") \
    X(ERR_NOT_POSITIVE, "ERR value is out of range, must be positive") \
    X(ERR_OVERFLOW, "ERR increment or decrement would overflow") \
    X(ERR_DECR_OVERFLOW, "ERR decrement would overflow") \
    X(ERR_NAN_OR_INF, "ERR increment would produce NaN or Infinity") \
    X(ERR_HASH_NOT_INT, "ERR hash value is not an integer") \
    X(ERR_HASH_NOT_FLOAT, "ERR hash value is not a float") \
    X(ERR_INCR_NAN_OR_INF, "ERR value is NaN or Infinity") \
    X(ERR_SCORE_NAN, "ERR resulting score is not a number (NaN)") \
    X(ERR_ZADD_NX_XX, "ERR XX and NX options at the same time are not compatible") \
    X(ERR_ZADD_GT_LT_NX, "ERR GT, LT, and/or NX options at the same time are not compatible") \
    X(ERR_ZADD_INCR, "ERR INCR option supports a single increment-element pair") \
    X(ERR_ZRANGE_SCORE, "ERR min or max is not a float") \
    X(ERR_ZRANGE_LEX, "ERR min or max not valid string range item") \
    X(ERR_ZRANGE_LIMIT, "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX") \
    X(ERR_ZRANGE_WITHSCORES, "ERR syntax error, WITHSCORES not supported in combination with BYLEX") \
    X(ERR_WEIGHT, "ERR weight value is not a float") \
    X(ERR_INPUT_KEYS, "ERR at least 1 input key is needed for '%s' command") \
    X(ERR_SORT_SCORES, "ERR One or more scores can't be converted into double") \
    X(ERR_FIELDS_PLACE, "ERR Mandatory argument FIELDS is missing or not at the right position") \
    X(ERR_FIELDS_POSITIVE, "ERR Number of fields must be a positive integer") \
    X(ERR_FIELDS_GREATER_0, "ERR Parameter `numFields` should be greater than 0") \
    X(ERR_FIELDS_NUMBER, "ERR invalid number of fields") \
    X(ERR_FIELDS_MATCH, "ERR The `numfields` parameter must match the number of arguments") \
    X(ERR_EXPIRE_NEGATIVE, "ERR invalid expire time, must be >= 0") \
    X(ERR_EXPIRE_MISSING, "ERR missing expire time") \
    X(ERR_HSETEX_CONDITION, "ERR Only one of FXX or FNX arguments can be specified") \
    X(ERR_HSETEX_EXPIRY, "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified") \
    X(ERR_UNKNOWN_ARGUMENT, "ERR unknown argument: %s") \
    X(ERR_NOVALUES, "ERR NOVALUES option can only be used in HSCAN") \
    X(ERR_RANDOM_COUNT, "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807") \
    X(ERR_NUMKEYS_ARGS, "ERR Number of keys can't be greater than number of args") \
    X(ERR_LIMIT_NEGATIVE, "ERR LIMIT can't be negative") \
    X(ERR_NO_SUCH_KEY, "ERR no such key") \
    X(ERR_INDEX_RANGE, "ERR index out of range") \
    X(ERR_OFFSET_RANGE, "ERR offset is out of range") \
    X(ERR_EXPIRE_TIME, "ERR invalid expire time in '%s' command") \
    X(ERR_STRING_LIMIT, "ERR string exceeds maximum allowed size (proto-max-bulk-len)") \
    X(ERR_DB_INDEX, "ERR DB index is out of range") \
    X(ERR_SAME_OBJECT, "ERR source and destination objects are the same") \
    X(ERR_NO_GROUP, NULL) /* the stream has no such group; the texts name key and group */ \
    X(ERR_STREAM_ID, "ERR Invalid stream ID specified as stream command argument") \
    X(ERR_RANGE_START, "ERR invalid start ID for the interval") \
    X(ERR_RANGE_END, "ERR invalid end ID for the interval") \
    X(ERR_TRIM_TWICE, "ERR syntax error, MAXLEN and MINID options at the same time are not compatible") \
    X(ERR_TRIM_MAXLEN, "ERR The MAXLEN argument must be >= 0.") \
    X(ERR_TRIM_LIMIT, "ERR The LIMIT argument must be >= 0.") \
    X(ERR_TRIM_LIMIT_ALONE, "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy") \
    X(ERR_TRIM_LIMIT_EXACT, "ERR syntax error, LIMIT cannot be used without the special ~ option") \
    X(ERR_TRIM_NONE, "ERR syntax error, XTRIM must be called with a trimming strategy") \
    X(ERR_GROUP_EXISTS, "BUSYGROUP Consumer Group name already exists") \
    X(ERR_XADD_ZERO, "ERR The ID specified in XADD must be greater than 0-0") \
    X(ERR_XADD_SMALLER, "ERR The ID specified in XADD is equal or smaller than the target stream top item") \
    X(ERR_XADD_TOO_LARGE, "ERR Elements are too large to be stored") \
    X(ERR_STREAM_EXHAUSTED, "ERR The stream has exhausted the last possible ID, unable to add more items") \
    X(ERR_XSETID_MAX_DELETED, "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id") \
    X(ERR_XSETID_DELETED, "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id") \
    X(ERR_XSETID_SMALLER, "ERR The ID specified in XSETID is smaller than the target stream top item") \
    X(ERR_XSETID_ADDED, "ERR The entries_added specified in XSETID is smaller than the target stream length") \
    X(ERR_XSETID_NEGATIVE, "ERR entries_added must be positive") \
    X(ERR_XREAD_ONLY_GROUP, "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.") \
    X(ERR_XREAD_IN_SCRIPT, "ERR %s command is not allowed with BLOCK option from scripts") \
    X(ERR_XREAD_NEW, "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> " \
      "<consumer> option.") \
    X(ERR_XREADGROUP_NO_GROUP, "ERR Missing GROUP option for XREADGROUP") \
    X(ERR_XREADGROUP_LAST, "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the " \
      "history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would " \
      "just return an empty result set.") \
    X(ERR_XREADGROUP_TOP, "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the " \
      "history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would " \
      "just return an empty result set.") \
    X(ERR_XGROUP_NO_KEY, "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want " \
      "to use the MKSTREAM option to create an empty stream automatically.") \
    X(ERR_ENTRIES_READ, "ERR value for ENTRIESREAD must be positive or -1") \
    X(ERR_MIN_IDLE, "ERR Invalid min-idle-time argument for %s") \
    X(ERR_XCLAIM_ARGUMENT, "ERR Invalid %s option argument for XCLAIM") \
    X(ERR_XAUTOCLAIM_COUNT, "ERR COUNT must be > 0") \
    X(ERR_LONG_RANGE, "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807") \
    X(ERR_COUNT_POSITIVE, "ERR count should be greater than 0") \
    X(ERR_RANK_ZERO, "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use " \
      "negative to start from the end of the list") \
    X(ERR_COUNT_NEGATIVE, "ERR COUNT can't be negative") \
    X(ERR_MAXLEN_NEGATIVE, "ERR MAXLEN can't be negative") \
    X(ERR_TIMEOUT_NOT_FLOAT, "ERR timeout is not a float or out of range") \
    X(ERR_TIMEOUT_RANGE, "ERR timeout is out of range") \
    X(ERR_TIMEOUT_NEGATIVE, "ERR timeout is negative") \
    X(ERR_NUMKEYS, "ERR numkeys should be greater than 0") \
    X(ERR_INT_RANGE, "ERR value is out of range, value must between -2147483648 and 2147483647") \
    X(ERR_CURSOR, "ERR invalid cursor") \
    X(ERR_EXPIRE_OPTION, "ERR Unsupported option %s") \
    X(ERR_EXPIRE_NX, "ERR NX and XX, GT or LT options at the same time are not compatible") \
    X(ERR_EXPIRE_GT_LT, "ERR GT and LT options at the same time are not compatible") \
    X(ERR_IS_LFU, "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that " \
      "when switching between policies at runtime LRU and LFU data will take some time to adjust.") \
    X(ERR_IS_NOT_LFU, "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please " \
      "note that when switching between policies at runtime LRU and LFU data will take some time to adjust.") \
    X(ERR_BIT_OFFSET, "ERR bit offset is not an integer or out of range") \
    X(ERR_BIT, "ERR bit is not an integer or out of range") \
    X(ERR_BIT_ARG, "ERR The bit argument must be 1 or 0.") \
    X(ERR_BITOP_NOT, "ERR BITOP NOT must be called with a single source key.") \
    X(ERR_BITOP_TWO, "ERR BITOP %s must be called with at least two source keys.") \
    X(ERR_BITFIELD_TYPE, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported " \
      "but i64 is.") \
    X(ERR_BITFIELD_OVERFLOW, "ERR Invalid OVERFLOW type specified") \
    X(ERR_BITFIELD_RO, "ERR BITFIELD_RO only supports the GET subcommand") \
    X(ERR_NOT_HLL, "WRONGTYPE Key is not a valid HyperLogLog string value.") \
    X(ERR_HLL_CORRUPT, "INVALIDOBJ Corrupted HLL object detected") \
    X(ERR_HLL_NO_KEY, "ERR The specified key does not exist") \
    X(ERR_HLL_NOT_SPARSE, "ERR HLL encoding is not sparse") \
    X(ERR_PFDEBUG_SUB, "ERR Unknown PFDEBUG subcommand '%s'") \
    X(ERR_GEO_UNIT, "ERR unsupported unit provided. please use M, KM, FT, MI") \
    X(ERR_GEO_RADIUS, "ERR need numeric radius") \
    X(ERR_GEO_WIDTH, "ERR need numeric width") \
    X(ERR_GEO_HEIGHT, "ERR need numeric height") \
    X(ERR_GEO_RADIUS_NEGATIVE, "ERR radius cannot be negative") \
    X(ERR_GEO_BOX_NEGATIVE, "ERR height or width cannot be negative") \
    X(ERR_GEO_MEMBER, "ERR could not decode requested zset member") \
    X(ERR_GEO_COUNT, "ERR COUNT must be > 0") \
    X(ERR_GEO_ANY, "ERR the ANY argument requires COUNT argument") \
    X(ERR_GEO_STORE, "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options") \
    X(ERR_GEO_FROM, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s") \
    X(ERR_GEO_BY, "ERR exactly one of BYRADIUS and BYBOX can be specified for %s") \
    X(ERR_CONDITION_TYPE, "ERR Key should be of string type if conditions are specified") \
    X(ERR_CONDITION, "ERR Invalid condition. Use IFEQ or IFNE") \
    X(ERR_LCS_TYPE, "ERR The specified keys must contain string values") \
    X(ERR_LCS_BOTH, "ERR If you want both the length and indexes, please just use IDX.") \
    X(ERR_LCS_LONG, "ERR String too long for LCS") \
    X(ERR_LCS_MEMORY, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len") \
    X(ERR_BUSY_KEY, "BUSYKEY Target key name already exists.") \
    X(ERR_TTL_NEGATIVE, "ERR Invalid TTL value, must be >= 0") \
    X(ERR_IDLETIME, "ERR Invalid IDLETIME value, must be >= 0") \
    X(ERR_FREQ, "ERR Invalid FREQ value, must be >= 0 and <= 255") \
    X(ERR_DUMP_PAYLOAD, "ERR DUMP payload version or checksum are wrong") \
    X(ERR_DUMP_FORMAT, "ERR Bad data format") \
    X(ERR_MIGRATE_KEYS, "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string") \
    X(ERR_MIGRATE_CONNECT, "IOERR error or timeout connecting to the client") \
    X(ERR_MIGRATE_WRITE, "IOERR error or timeout writing to target instance") \
    X(ERR_MIGRATE_READ, "IOERR error or timeout reading to target instance") \
    X(ERR_OOM, "OOM command not allowed when used memory > 'maxmemory'.") \
    X(ERR_MULTI_NESTED, "ERR MULTI calls can not be nested") \
    X(ERR_DISCARD_ALONE, "ERR DISCARD without MULTI") \
    X(ERR_EXEC_ALONE, "ERR EXEC without MULTI") \
    X(ERR_WATCH_IN_MULTI, "ERR WATCH inside MULTI is not allowed") \
    X(ERR_EXEC_ABORT, "EXECABORT Transaction discarded because of previous errors.") \
    X(ERR_SLOWLOG_COUNT, "ERR count should be greater than or equal to -1") \
    X(ERR_LATENCY_EVENT, "ERR No samples available for event '%s'") \
    X(ERR_USER_CONNECTIONS, "LIMIT This user has as many connections as it may have") \
    X(ERR_AUTH_LATER, "ERR Too many failed authentications from this address: the next one has to wait, and cannot do so " \
      "within a transaction") \
    X(ERR_WRONG_PASS, "WRONGPASS invalid username-password pair or user is disabled.") \
    X(ERR_NO_PASSWORD_SET, "ERR AUTH <password> called without any password configured for the default user. " \
      "Are you sure your configuration is correct?") \
    X(ERR_PROTO_NOT_INT, "ERR Protocol version is not an integer or out of range") \
    X(ERR_NO_PROTO, "NOPROTO unsupported protocol version") \
    X(ERR_HELLO_OPTION, "ERR Syntax error in HELLO option '%s'") \
    X(ERR_HELLO_NOAUTH, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " \
      "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol " \
      "version at the same time") \
    X(ERR_CLIENT_NAME, "ERR Client names cannot contain spaces, newlines or special characters.") \
    X(ERR_CLIENT_INFO_OPTION, "ERR Unrecognized option '%s'") \
    X(ERR_CLIENT_INFO_TEXT, "ERR %s cannot contain spaces, newlines or special characters.") \
    X(ERR_CLIENT_ID, "ERR Invalid client ID") \
    X(ERR_CLIENT_ID_POSITIVE, "ERR client-id should be greater than 0") \
    X(ERR_CLIENT_TYPE, "ERR Unknown client type '%s'") \
    X(ERR_NO_SUCH_USER, "ERR No such user '%s'") \
    X(ERR_TRACKING_ONE_REDIRECT, "ERR A client can only redirect to a single other client") \
    X(ERR_TRACKING_NO_CLIENT, "ERR The client ID you want redirect to does not exist") \
    X(ERR_TRACKING_PREFIX, "ERR PREFIX option requires BCAST mode to be enabled") \
    X(ERR_TRACKING_BCAST_SWITCH, "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.") \
    X(ERR_TRACKING_BCAST_OPT, "ERR OPTIN and OPTOUT are not compatible with BCAST") \
    X(ERR_TRACKING_OPT_BOTH, "ERR You can't specify both OPTIN mode and OPTOUT mode") \
    X(ERR_TRACKING_OPT_SWITCH, "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.") \
    X(ERR_CACHING_ALONE, "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled") \
    X(ERR_CACHING_YES, "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.") \
    X(ERR_CACHING_NO, "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.") \
    X(ERR_SORT_BY_DENIED, "ERR BY option of SORT denied due to insufficient ACL permissions.") \
    X(ERR_SORT_GET_DENIED, "ERR GET option of SORT denied due to insufficient ACL permissions.") \
    X(ERR_ACL_NAME, "ERR Usernames can't contain spaces or null characters") \
    X(ERR_ACL_DEFAULT, "ERR The 'default' user cannot be removed") \
    X(ERR_ACL_NO_FILE, "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.") \
    X(ERR_ACL_SAVE, "ERR There was an error trying to save the ACLs. Please check the server logs for more information") \
    X(ERR_ACL_CATEGORY, "ERR Unknown category '%s'") \
    X(ERR_ACL_GENPASS, "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096") \
    X(ERR_ACL_USER, "ERR User '%s' not found") \
    X(ERR_ACL_COMMAND, "ERR Command '%s' not found") \
    X(ERR_NO_SUCH_CLIENT, "ERR No such client") \
    X(ERR_MAXAGE_NOT_INT, "ERR maxage is not an integer or out of range") \
    X(ERR_MAXAGE_POSITIVE, "ERR maxage should be greater than 0") \
    X(ERR_PAUSE_MODE, "ERR CLIENT PAUSE mode must be WRITE or ALL") \
    X(ERR_UNBLOCK_REASON, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR") \
    X(ERR_TIMEOUT_NOT_INT, "ERR timeout is not an integer or out of range") \
    X(ERR_FIRST_DB, "ERR invalid first DB index") \
    X(ERR_SECOND_DB, "ERR invalid second DB index") \
    X(ERR_BGSAVE_RUNS, "ERR Background save already in progress") \
    X(ERR_REWRITE_RUNS, "ERR Background append only file rewriting already in progress") \
    X(ERR_REWRITE_BLOCKS_SAVE, "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE " \
      "SCHEDULE in order to schedule a BGSAVE whenever possible.") \
    X(ERR_REWRITE_FAILED, "ERR Can't execute an AOF background rewriting. Please check the server logs for more " \
      "information.") \
    X(ERR_SAVE_FAILED, "ERR") \
    X(ERR_SHUTDOWN, "ERR Errors trying to SHUTDOWN. Check logs.") \
    X(ERR_NO_SHUTDOWN, "ERR No shutdown in progress.") \
    X(ERR_NO_SCRIPT, "NOSCRIPT No matching script. Please use EVAL.") \
    X(ERR_KEYS_NEGATIVE, "ERR Number of keys can't be negative") \
    X(ERR_SCRIPT_FLUSH, "ERR SCRIPT FLUSH only support SYNC|ASYNC option") \
    X(ERR_SCRIPT_DEBUG, "ERR Use SCRIPT DEBUG YES/SYNC/NO") \
    X(ERR_NO_DEBUGGER, "ERR The script debugger is not available") \
    X(ERR_NO_FUNCTION, "ERR Function not found") \
    X(ERR_FCALL_KEYS, "ERR Bad number of keys provided") \
    X(ERR_NO_LIBRARY, "ERR Library not found") \
    X(ERR_FUNCTION_FLUSH, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option") \
    X(ERR_RESTORE_POLICY, "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.") \
    X(ERR_LIBRARY_NAME, "ERR library name argument was not given") \
    X(ERR_NOT_BUSY, "NOTBUSY No scripts in execution right now.") \
    X(ERR_BUSY_SCRIPT, "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.") \
    X(ERR_BUSY_FUNCTION, "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN " \
      "NOSAVE.") \
    X(ERR_UNKILLABLE, "UNKILLABLE Sorry the script already executed write commands against the dataset. You can " \
      "either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.") \
    X(ERR_GETKEYS_COMMAND, "ERR Invalid command specified") \
    X(ERR_GETKEYS_NONE, "ERR The command has no key arguments") \
    X(ERR_GETKEYS_ARITY, "ERR Invalid number of arguments specified for command") \
    X(ERR_GETKEYS_ARGS, "ERR Invalid arguments specified for command") \
    X(ERR_CLUSTER_OFF, "ERR This instance has cluster support disabled") \
    X(ERR_MODULE_LOAD, "ERR Error loading the extension. Please check the server logs.") \
    X(ERR_MODULE_UNLOAD, "ERR Error unloading module: no such module with that name") \
    X(ERR_FAILOVER_NONE, "ERR No failover in progress.") \
    X(ERR_FAILOVER_TIMEOUT, "ERR FAILOVER timeout must be greater than 0") \
    X(ERR_FAILOVER_REPLICAS, "ERR FAILOVER requires connected replicas.") \
    X(ERR_MASTER_PORT, "ERR Invalid master port") \
    X(ERR_NOT_A_REPLICA, "ERR memd cannot be a replica: it replicates from nobody yet") \
    X(ERR_REPLCONF_OPTION, "ERR Unrecognized REPLCONF option: %s") \
    X(ERR_REPLCONF_ADDRESS, "ERR REPLCONF ip-address provided by replica instance is too long: %s bytes") \
    X(ERR_REPLCONF_FILTER, "ERR Unsupported rdb-filter-only option: %s") \
    X(ERR_REPLCONF_NO_FILTER, "ERR Missing rdb-filter-only values") \
    X(ERR_RANGE_0_1, "ERR value is out of range, value must between 0 and 1") \
    X(ERR_SYNC_EOF, "ERR Filtered replica requires EOF capability") \
    X(ERR_SYNC_FAILOVER, "ERR PSYNC FAILOVER can't be sent to a master.") \
    X(ERR_SYNC, "ERR memd has no replication yet: only a snapshot can be had, after REPLCONF rdb-only 1") \
    X(ERR_WAITAOF_OFF, "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.") \
    X(ERR_DEBUG_RELOAD, "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.") \
    X(ERR_DEBUG_THRESHOLD, "ERR argument must be a memory value bigger than 1 and smaller than 4gb") \
    X(ERR_DEBUG_RESP2, "ERR RESP2 is not supported by this command") \
    X(ERR_DEBUG_DB, "ERR Out of range database") \
    X(ERR_DEBUG_TABLE, "ERR The value stored at the specified key is not represented using an hash table") \
    X(ERR_DEBUG_LISTPACK, "ERR Not a listpack encoded object.") \
    X(ERR_DEBUG_QUICKLIST, "ERR Not a quicklist encoded object.") \
    X(ERR_DEBUG_SDS, "ERR Not an sds encoded string.") \
    X(ERR_DEBUG_PROTOCOL, "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|" \
      "null|array|set|map|attrib|push|verbatim|true|false") \
    X(ERR_IO, NULL) \
    X(ERR_FORMAT, NULL) /* bytes from a file or a payload that make no sense */

enum err {
    OK = 0,
#define ERR_CODE(code, text) code,
    ERR_TABLE(ERR_CODE)
#undef ERR_CODE
    ERR_COUNT
};

/* The text of e, NULL for OK and for internal codes. */
const char *err_text(enum err e);

#endif
