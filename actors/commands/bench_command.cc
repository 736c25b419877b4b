#include "actors/commands/bench_output.h"
#include "actors/commands/commands.h"
#include "config/load.h"
#include "pipeline/bench/audit.h"
#include "pipeline/bench/query_load.h"
#include "pipeline/bench/target_farm.h"
#include "pipeline/bench/write_load.h"
#include "storage/base/clock.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>

namespace troupe::actors {

namespace {

using config::bench_command;

constexpr uint64_t max_file_bytes = 1ULL << 30;

/// Set by SIGINT and SIGTERM: a scrape bench ends and prints its figures.
std::atomic<bool> stop_wanted{false};

result<bench::profile_ptr> make_profile(const std::string& name, const std::string& file,
                                        uint64_t width, file_system& fs) {
  if (name != "node")
    return bench::make_synthetic_profile(name, width);
  std::string bytes;
  if (!file.empty()) {
    TROUPE_ASSIGN(bytes, read_file(fs, file, max_file_bytes));
  }
  auto recorded = bench::decompress_recording(file.empty() ? bench::embedded_recording() : bytes);
  if (!recorded.ok())
    return file.empty() ? recorded.error() : recorded.error().with_context(file);
  return bench::make_recorded_profile(*recorded, width);
}

/// One run of a subcommand: what all of them need.
class run {
 public:
  run(const bench_command& c, file_system& fs, std::ostream& err)
      : c_(c), fs_(fs), err_(err), terminal_(isatty(STDERR_FILENO) != 0 ? &err : nullptr) {}

  result<figures> go() {
    if (!c_.server.empty()) {
      config::http_client_config client;
      if (!c_.http_config_file.empty()) {
        TROUPE_ASSIGN(client, config::load_http_client_config(fs_, c_.http_config_file));
      }
      TROUPE_ASSIGN(server_, client::api_client::create(c_.server, client, fs_, clock_,
                                                        c_.timeout_ms, {c_.protocol, c_.path}));
    }
    switch (c_.what) {
      case bench_command::kind::write:
      case bench_command::kind::churn:
        TROUPE_TRY(write());
        break;
      case bench_command::kind::scrape:
        TROUPE_TRY(scrape());
        break;
      case bench_command::kind::query:
        TROUPE_TRY(query());
        break;
      case bench_command::kind::audit:
        TROUPE_TRY(audit());
        break;
    }
    return std::move(out_);
  }

  /// False if an audit found a fault or the server refused something.
  bool clean() const { return clean_; }

 private:
  status write() {
    TROUPE_ASSIGN(auto shape, make_profile(c_.profile, c_.recording, c_.width, fs_));
    bench::ledger_header h;
    h.profile = c_.profile;
    h.recording = c_.recording;
    h.width = c_.width;
    h.fleet.seed = c_.seed;
    h.fleet.series = c_.series;
    h.fleet.step_ms = c_.step_ms;
    h.fleet.rows = static_cast<uint64_t>(c_.duration_ms / c_.step_ms);
    h.fleet.churn = c_.churn;
    const auto end = c_.end_ms != 0 ? c_.end_ms : clock_.now_ms();
    h.fleet.start = end - static_cast<int64_t>(h.fleet.rows) * c_.step_ms;
    h.shape = bench::write_shape::of(h.fleet, c_.samples_per_request);
    bench::ledger_book book(h);
    if (!c_.ledger.empty())
      TROUPE_TRY(book.open(fs_, c_.ledger));
    bench::write_load_options options;
    options.protocol = c_.protocol;
    options.in_flight = c_.in_flight;
    options.samples_per_second = c_.rate;
    options.retry_ms = c_.retry_ms;
    {
      client::progress shown(terminal_, clock_, "samples");
      TROUPE_ASSIGN(auto r, bench::run_write_load(shape, options, *server_, book, clock_, shown));
      report_write(r);
    }
    return c_.audit ? check(shape, book.entries()) : status();
  }

  void report_write(const bench::write_report& r) {
    const double seconds = static_cast<double>(r.duration_ns) / 1e9;
    out_.add("samples_acked", r.acked_samples);
    out_.add("samples_failed", r.failed_samples);
    out_.add("seconds", seconds);
    out_.add("samples_per_second", static_cast<double>(r.acked_samples) / seconds);
    out_.add("requests", r.requests);
    out_.add("retries", r.retries);
    out_.add("new_series", r.new_series);
    out_.add("body_bytes_per_sample",
             r.acked_samples == 0
                 ? 0.0
                 : static_cast<double>(r.body_bytes) / static_cast<double>(r.acked_samples));
    add_latency(out_, r.answer_times);
    if (!r.first_error.empty())
      out_.add("first_error", r.first_error);
    clean_ = clean_ && r.failed_samples == 0;
  }

  status check(const bench::profile_ptr& shape, const bench::ledger& what) {
    client::progress shown(terminal_, clock_, "samples checked");
    TROUPE_ASSIGN(auto r, bench::audit_writes(shape, what, *server_, shown));
    report_audit(r);
    return {};
  }

  void report_audit(const bench::audit_report& r) {
    out_.add("audit_checked", r.checked);
    out_.add("audit_missing", r.missing);
    out_.add("audit_wrong", r.wrong);
    out_.add("audit_unexpected", r.unexpected);
    if (!r.first_fault.empty())
      out_.add("audit_first_fault", r.first_fault);
    clean_ = clean_ && r.clean();
  }

  status audit() {
    TROUPE_ASSIGN(const std::string text, read_file(fs_, c_.ledger, max_file_bytes));
    auto what = bench::parse_ledger(text);
    if (!what.ok())
      return what.error().with_context(c_.ledger);
    const auto& h = what->header;
    TROUPE_ASSIGN(auto shape, make_profile(h.profile, h.recording, h.width, fs_));
    return check(shape, *what);
  }

  status scrape() {
    TROUPE_ASSIGN(auto shape, make_profile(c_.profile, c_.recording, c_.width, fs_));
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    bench::target_farm farm(shape, {c_.port, c_.targets, c_.seed, c_.gzip});
    TROUPE_TRY(farm.open());
    if (!c_.sd_file.empty())
      TROUPE_TRY(write_file_atomically(fs_, c_.sd_file, farm.discovery()));
    err_ << "serving " << c_.targets << " targets of " << shape->width()
         << " series: " << farm.instance(0) << " and up; all: http://127.0.0.1:" << farm.port()
         << "/sd" << std::endl;
    for (int s : {SIGINT, SIGTERM})
      std::signal(s, [](int) { stop_wanted = true; });
    const int64_t begin_ms = clock_.now_ms(), begin = clock_.monotonic_ns();
    {
      client::progress shown(terminal_, clock_, "scrapes");
      TROUPE_TRY(farm.run([&] {
        shown.update(farm.counts().scrapes, 0);
        return stop_wanted ||
               (c_.duration_ms > 0 && clock_.monotonic_ns() - begin >= c_.duration_ms * 1'000'000);
      }));
    }
    const double seconds = static_cast<double>(clock_.monotonic_ns() - begin) / 1e9;
    const auto& n = farm.counts();
    out_.add("scrapes", n.scrapes);
    out_.add("samples", n.samples);
    out_.add("seconds", seconds);
    out_.add("samples_per_second", static_cast<double>(n.samples) / seconds);
    out_.add("wire_bytes", n.wire_bytes);
    if (!c_.audit)
      return {};
    std::vector<bench::served_target> targets;
    for (size_t i = 0; i < c_.targets; ++i)
      targets.push_back({i, farm.instance(i), farm.rows(i), begin_ms, clock_.now_ms()});
    client::progress shown(terminal_, clock_, "targets checked");
    TROUPE_ASSIGN(auto r, bench::audit_scrapes(shape, c_.seed, targets, *server_, shown));
    report_audit(r);
    return {};
  }

  status query() {
    bench::query_load_options o;
    for (const auto& e : c_.instant)
      o.mix.push_back({e, false});
    for (const auto& e : c_.range)
      o.mix.push_back({e, true});
    if (o.mix.empty())
      o.mix = bench::default_mix(c_.profile);
    o.seed = c_.seed;
    o.in_flight = c_.in_flight;
    o.count = c_.count;
    o.duration_ms = c_.duration_ms;
    o.end_ms = c_.end_ms != 0 ? c_.end_ms : clock_.now_ms();
    o.range_ms = c_.range_ms;
    o.step_ms = c_.step_ms;
    client::progress shown(terminal_, clock_, "queries");
    const auto r = bench::run_query_load(o, *server_, clock_, shown);
    const double seconds = static_cast<double>(r.duration_ns) / 1e9;
    out_.add("queries_answered", r.answered);
    out_.add("queries_failed", r.errors);
    out_.add("seconds", seconds);
    out_.add("queries_per_second", static_cast<double>(r.answered) / seconds);
    std::vector<figures> each;
    for (const auto& q : r.queries) {
      figures f;
      f.add("query", q.what.expr);
      f.add("kind", std::string(q.what.range ? "range" : "instant"));
      f.add("answered", static_cast<uint64_t>(q.answer_times.count()));
      f.add("failed", q.errors);
      f.add("bytes_per_answer",
            q.answer_times.count() == 0
                ? 0.0
                : static_cast<double>(q.bytes) / static_cast<double>(q.answer_times.count()));
      add_latency(f, q.answer_times);
      if (!q.first_error.empty())
        f.add("first_error", q.first_error);
      each.push_back(std::move(f));
    }
    out_.add("queries", std::move(each));
    clean_ = r.errors == 0;
    return {};
  }

  static void add_latency(figures& to, const bench::latency& l) {
    to.add("p50_ms", l.at(0.5));
    to.add("p90_ms", l.at(0.9));
    to.add("p99_ms", l.at(0.99));
    to.add("max_ms", l.at(1));
  }

  const bench_command& c_;
  file_system& fs_;
  std::ostream& err_;
  std::ostream* const terminal_;
  system_clock clock_;
  std::unique_ptr<client::api_client> server_;
  figures out_;
  bool clean_ = true;
};

}  // namespace

int run_bench(const bench_command& c, file_system& fs, std::ostream& out, std::ostream& err) {
  run r(c, fs, err);
  auto got = r.go();
  if (!got.ok()) {
    err << "error: " << got.error().message() << "\n";
    return 1;
  }
  out << (c.json ? got->json() + "\n" : got->text());
  return r.clean() ? 0 : 1;
}

}  // namespace troupe::actors
