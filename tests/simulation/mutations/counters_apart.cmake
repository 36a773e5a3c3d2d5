# Outcomes are committed first, their batch's counters in a transaction of their own.
set(FROM_1 "  for (auto& [number, row] : rows) {")
set(TO_1 "  SLUICE_RETURN_IF_ERROR(connection_.Run(\"COMMIT\"));
  SLUICE_RETURN_IF_ERROR(connection_.Run(\"BEGIN IMMEDIATE\"));
  SLUICE_RETURN_IF_ERROR(connection_.Run(\"SAVEPOINT call\"));
  for (auto& [number, row] : rows) {")
