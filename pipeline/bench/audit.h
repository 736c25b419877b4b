// Looks for every sample of a run in a server, through its query API, and compares bit by bit. One
// owner; blocks until it is done.
#pragma once

#include "pipeline/bench/ledger.h"
#include "pipeline/client/api_client.h"
#include "pipeline/client/progress.h"

#include <cstdint>
#include <string>

namespace troupe::bench {

struct audit_report {
  uint64_t checked = 0;     ///< samples that had to be there
  uint64_t missing = 0;     ///< of these: not there
  uint64_t wrong = 0;       ///< there, with another value
  uint64_t unexpected = 0;  ///< there, and never sent, refused, or sent once and there twice
  std::string first_fault;  ///< "" if there is none

  bool clean() const { return missing == 0 && wrong == 0 && unexpected == 0; }
};

/// Every acknowledged sample of the ledger must be there with equal bits; those of unknown outcome
/// may be; nothing else may be. Fails if the server cannot be asked.
result<audit_report> audit_writes(const profile_ptr& shape, const ledger& what,
                                  client::api_client& server, client::progress& shown);

/// What a target of a scrape bench served: `rows` bodies of host `host`, between two instants.
struct served_target {
  uint64_t host = 0;
  std::string instance;
  uint64_t rows = 0;
  timestamp_ms begin = 0, end = 0;
};

/// The stored values of each series must be those of the bodies in order, every one of them; only
/// the last body, which the server may have been reading, may be absent.
result<audit_report> audit_scrapes(const profile_ptr& shape, uint64_t seed,
                                   const std::vector<served_target>& targets,
                                   client::api_client& server, client::progress& shown);

}  // namespace troupe::bench
