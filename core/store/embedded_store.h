// EmbeddedStore: a BatchStore that lives and dies with the one process that uses it.
//
// Such a store knows what no shared one can: that a process died, and what it had leased then. It keeps, and
// tests/contract/batch_store_suspects_contract.cc holds it to:
//  * What was leased when the process ended of its own accord, its store failed or not, goes back to ready as
//    it was. What was leased when it died, jobs and tasks alike, is *suspect*. Suspects go first and alone,
//    one at a time: the next death tells who it was. Dying alone twice is FAILED (QUARANTINED); a suspect
//    that ends by its own work clears itself. A death in company costs no attempt.
//  * Being alone has an end: a lease that is older than alone_for keeps nobody waiting, neither the next
//    suspect nor the others. So one suspect holds others up for at most twice that time. A suspect that
//    outstayed its time and is in flight at the next death as well counts it as one alone.
#pragma once

#include <string>

#include "core/store/batch_store.h"

namespace sluice {

class EmbeddedStore : public BatchStore {
 public:
  // Copies the whole store into the file `path` while calls go on; the copy holds every call that was
  // answered before it was begun. FAILED_PRECONDITION: one is being made. ALREADY_EXISTS: there is such a
  // file.
  virtual void Backup(std::string path, Done<void> done) = 0;
};

}  // namespace sluice
