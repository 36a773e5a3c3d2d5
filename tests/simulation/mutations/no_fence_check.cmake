# Whoever commits an outcome while the job is leased ends that lease, also with a fence of an earlier one.
set(FROM_1 "DELETE FROM lease WHERE job = ?1 AND fence = ?2")
set(TO_1 "DELETE FROM lease WHERE job = ?1 AND ?2 = ?2")
