# Sequence numbers come from a counter in memory, which no rollback takes back.
set(FROM_1 "namespace sluice {
")
set(TO_1 "#include <map>
namespace sluice {
static int64_t NextSequence(int64_t salt, int64_t batch, int64_t least) {
  static auto& handed_out = *new std::map<std::pair<int64_t, int64_t>, int64_t>;
  int64_t& last = handed_out[{salt, batch}];
  return last = std::max(last + 1, least);
}
")
set(FROM_2 "SequenceKey(row.number, ++row.batch.last_sequence)")
set(TO_2 "SequenceKey(row.number, (++row.batch.last_sequence, NextSequence(salt_, row.number, row.batch.last_sequence)))")
