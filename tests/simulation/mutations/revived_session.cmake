# A heartbeat brings a dead session back.
set(FROM_1 "  SLUICE_RETURN_IF_ERROR(CheckSession(session));")
set(TO_1 "")
set(FROM_2 "UPDATE session SET lease_until = ?2 WHERE session = ?1")
set(TO_2 "INSERT OR REPLACE INTO session (lease_until, session) SELECT ?2, ?1")
