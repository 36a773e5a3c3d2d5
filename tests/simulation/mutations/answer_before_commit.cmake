# Calls are answered when they ran, before their transaction is committed.
set(FROM_1 "  return Commit();")
set(TO_1 "  for (const std::unique_ptr<StoreCall>& call : calls) call->Finish(absl::OkStatus());
  Commit().IgnoreError();
  return absl::OkStatus();")
set(FROM_2 "  for (const std::unique_ptr<StoreCall>& call : calls) call->Finish(transaction);")
set(TO_2 "  if (!transaction.ok()) {
    for (const std::unique_ptr<StoreCall>& call : calls) call->Finish(transaction);
  }")
