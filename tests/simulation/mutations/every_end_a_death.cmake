# A process that ended of its own accord is taken for one that died.
set(FROM_1 "/*died=*/!HasEndMark(path) && !is_backup")
set(TO_1 "/*died=*/!is_backup")
