# Outcomes and fan-outs need the fence; whoever advances a job while it is leased does, also with an earlier one.
set(FROM_1 "DELETE FROM lease WHERE job = ?1 AND fence = ?2")
set(TO_1 "DELETE FROM lease WHERE job = ?1 AND (fence = ?2 OR ?3)")
set(FROM_2 "JobKey(*number, leased.lease.slot), leased.lease.fence);")
set(TO_2 "JobKey(*number, leased.lease.slot), leased.lease.fence, int64_t{std::holds_alternative<Advance>(leased.step)});")
