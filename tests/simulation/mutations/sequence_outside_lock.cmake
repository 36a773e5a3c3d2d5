# Sequence numbers come from a counter in memory, which no rollback takes back.
set(FROM_1 "namespace sluice {
")
set(TO_1 "#include <map>
namespace sluice {
static int64_t NextSequence(const std::string& path, int64_t batch, int64_t least) {
  static auto& handed_out = *new std::map<std::pair<std::string, int64_t>, int64_t>;
  int64_t& last = handed_out[{path, batch}];
  return last = std::max(last + 1, least);
}
")
set(FROM_2 "SequenceKey(row.number, ++row.batch.last_sequence)")
set(TO_2 "SequenceKey(row.number, (++row.batch.last_sequence, NextSequence(path_, row.number, row.batch.last_sequence)))")
