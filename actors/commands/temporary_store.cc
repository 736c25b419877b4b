#include "actors/commands/temporary_store.h"

#include <cstdlib>

namespace troupe::actors {

temporary_store::~temporary_store() {
  close();
  if (!dir_.empty())
    fs_.remove_all(dir_).ignore();
}

void temporary_store::close() {
  if (store_)
    store_->close().ignore();
  store_.reset();
}

status temporary_store::clear() {
  close();
  if (dir_.empty()) {
    const char* tmp = std::getenv("TMPDIR");
    std::string path = std::string(tmp ? tmp : "/tmp") + "/troupe-test-XXXXXX";
    if (!mkdtemp(path.data()))
      return {errc::io_error, "cannot make a temporary folder " + path};
    dir_ = path;
  }
  TROUPE_TRY(fs_.remove_all(dir_ + "/data"));
  storage::options o;
  o.dir = dir_ + "/data";
  o.shards = 1;
  o.retention_ms = 0;
  o.max_future_ms = max_time / 4;
  o.wal_segment_bytes = 8u << 20;
  o.sync = storage::options::sync_mode::os;
  metrics_ = std::make_unique<registry>();
  TROUPE_ASSIGN(store_, storage::storage::open(o, {&fs_, &clk_, metrics_.get(), ++seed_}));
  while (true) {
    TROUPE_ASSIGN(const bool done, store_->replay_step(0));
    if (done)
      return {};
  }
}

status temporary_store::append(const batch_ptr& batch) {
  if (!store_)
    TROUPE_TRY(clear());
  TROUPE_ASSIGN(const auto report, store_->appender(0).append(batch));
  if (report.refused() > 0)
    return {errc::out_of_bounds,
            "the store refused " + std::to_string(report.refused()) + " samples"};
  return store_->appender(0).commit();
}

}  // namespace troupe::actors
