#include "actors/commands/commands.h"
#include "query/engine/engine.h"
#include "query/promqltest/runner.h"
#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "storage/model/slot.h"
#include "storage/storage.h"

#include <cstdlib>
#include <memory>
#include <ostream>

namespace troupe::actors {

namespace {

/// A fresh store of the product's own in a temporary folder, for each `clear`.
class store_backend final : public query::script_backend {
 public:
  explicit store_backend(file_system& fs) : fs_(fs), engine_(engine_options(), clk_) {}
  ~store_backend() override {
    close();
    fs_.remove_all(dir_).ignore();
  }

  status clear() override {
    close();
    if (dir_.empty()) {
      const char* tmp = std::getenv("TMPDIR");
      std::string path = std::string(tmp ? tmp : "/tmp") + "/troupe-promqltest-XXXXXX";
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
      TROUPE_ASSIGN(bool done, store_->replay_step(0));
      if (done)
        return {};
    }
  }

  status load(std::span<const query::loaded_series> series) override {
    if (!store_)
      TROUPE_TRY(clear());
    auto b = std::make_shared<write_batch>();
    std::vector<labels> names;
    for (const auto& s : series) {
      auto at = static_cast<uint32_t>(names.size());
      names.push_back(s.series);
      for (const auto& p : s.samples) {
        if (p.histogram) {
          b->histograms.push_back({p.ts, p.start_ts, p.histogram, at});
          continue;
        }
        if (p.start_ts != no_start_timestamp)
          b->starts.push_back({static_cast<uint32_t>(b->floats.size()), p.start_ts});
        b->floats.push_back({p.ts, p.value, at});
      }
    }
    b->table = make_series_table("", std::move(names));
    TROUPE_ASSIGN(auto report, store_->appender(0).append(b));
    if (report.refused() > 0)
      return {errc::out_of_bounds,
              "the store refused " + std::to_string(report.refused()) + " samples"};
    return store_->appender(0).commit();
  }

  result<query::query_result> instant(std::string_view expr, timestamp_ms ts) override {
    return engine_.instant(store_->reader(), "", expr, ts);
  }
  result<query::query_result> range(std::string_view expr, timestamp_ms start, timestamp_ms end,
                                    int64_t step_ms) override {
    return engine_.range(store_->reader(), "", expr, start, end, step_ms);
  }

 private:
  static query::engine_options engine_options() { return query::engine_options::everything(); }
  void close() {
    if (store_)
      store_->close().ignore();
    store_.reset();
  }

  file_system& fs_;
  manual_clock clk_{max_time / 8};
  query::engine engine_;
  std::string dir_;
  uint64_t seed_ = 0;
  std::unique_ptr<registry> metrics_;
  std::unique_ptr<storage::storage> store_;
};

}  // namespace

int run_test_promql(const config::test_promql_command& c, file_system& fs, std::ostream& out) {
  std::vector<query::script_report> reports;
  store_backend backend(fs);
  bool failed = false;
  for (const auto& file : c.files) {
    auto text = read_file(fs, file, 64u << 20);
    auto script =
        text.ok() ? query::parse_script(file, *text) : result<query::script>(text.error());
    if (!script.ok()) {
      out << file << ": " << script.error().message() << "\n";
      failed = true;
      continue;
    }
    reports.push_back(query::run_script(*script, backend));
    std::string lines;
    query::append_report(lines, reports.back(), true);
    out << lines;
    failed = failed || reports.back().count(query::eval_verdict::failed) > 0;
  }
  out << query::summary(reports) << "\n";
  return failed ? 1 : 0;
}

}  // namespace troupe::actors
