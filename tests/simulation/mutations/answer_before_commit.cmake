# Calls are answered when they ran, before their transaction is committed.
set(FROM_1 "  return connection_->Commit();")
set(TO_1 "  for (const std::unique_ptr<StoreCall>& call : calls) call->Finish(absl::OkStatus());
  connection_->Commit().IgnoreError();
  return absl::OkStatus();")
set(FROM_2 "      call->Finish(transaction);")
set(TO_2 "      if (!transaction.ok()) call->Finish(transaction);")
