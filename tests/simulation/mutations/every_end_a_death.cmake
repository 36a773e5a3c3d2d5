# A process that ended of its own accord is taken for one that died.
set(FROM_1 "/*died=*/!HasEndMark(options.path)")
set(TO_1 "/*died=*/true")
