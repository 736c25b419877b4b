#include "actors/commands/commands.h"
#include "actors/commands/temporary_store.h"
#include "query/engine/engine.h"
#include "query/promqltest/runner.h"

#include <memory>
#include <ostream>

namespace troupe::actors {

namespace {

/// A fresh store of the product's own for each `clear`.
class store_backend final : public query::script_backend {
 public:
  explicit store_backend(file_system& fs)
      : store_(fs), engine_(query::engine_options::everything(), store_.clk()) {}

  status clear() override { return store_.clear(); }

  status load(std::span<const query::loaded_series> series) override {
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
    return store_.append(b);
  }

  result<query::query_result> instant(std::string_view expr, timestamp_ms ts) override {
    return engine_.instant(store_.data(), "", expr, ts);
  }
  result<query::query_result> range(std::string_view expr, timestamp_ms start, timestamp_ms end,
                                    int64_t step_ms) override {
    return engine_.range(store_.data(), "", expr, start, end, step_ms);
  }

 private:
  temporary_store store_;
  query::engine engine_;
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
