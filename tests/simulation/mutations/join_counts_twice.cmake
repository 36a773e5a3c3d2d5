# Each task that ends is counted as two: its job goes on before the last one has ended.
set(FROM_1 "SET open = open - 1 WHERE")
set(TO_1 "SET open = max(open - 2, 0) WHERE")
