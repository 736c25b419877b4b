#include "actors/commands/commands.h"
#include "actors/commands/drill_output.h"
#include "actors/commands/stop_signals.h"
#include "config/load.h"
#include "pipeline/drill/http_link.h"
#include "pipeline/drill/rehearsal.h"
#include "storage/base/civil_time.h"
#include "storage/base/clock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <ostream>
#include <thread>

namespace troupe::actors {

namespace {

constexpr int64_t ms_per_second = 1000;

drill::drill_options options_of(const config::drill_command& c, const clock& clk) {
  drill::drill_options o;
  o.kind = c.of == config::drill_command::outage::region ? drill::drill_kind::region
                                                         : drill::drill_kind::brokers;
  o.id = fmt::format("{}-{}", format_rfc3339_seconds(clk.now_ms() / ms_per_second), getpid());
  o.region = c.region;
  o.cut_ms = c.cut_ms;
  o.spacing_ms = std::max(1LL, std::llround(o.series * ms_per_second / c.rate));
  o.timeout_ms = c.timeout_ms;
  o.max_rpo_ms = c.max_rpo_ms;
  o.max_rto_ms = c.max_rto_ms;
  o.dry_run = c.dry_run;
  o.keep = c.keep;
  return o;
}

result<std::vector<std::unique_ptr<drill::http_link>>> links_of(const config::drill_command& c,
                                                                file_system& fs, const clock& clk) {
  config::http_client_config client;
  if (!c.http_config_file.empty()) {
    TROUPE_ASSIGN(client, config::load_http_client_config(fs, c.http_config_file));
  }
  std::vector<std::unique_ptr<drill::http_link>> out;
  TROUPE_ASSIGN(auto from, drill::http_link::make(c.from, client, fs, clk));
  out.push_back(std::move(from));
  for (const auto& url : c.to) {
    TROUPE_ASSIGN(auto to, drill::http_link::make(url, client, fs, clk));
    out.push_back(std::move(to));
  }
  return out;
}

}  // namespace

int run_drill(const config::drill_command& c, file_system& fs, std::ostream& out,
              std::ostream& err) {
  const system_clock clk;
  const auto links = links_of(c, fs, clk);
  if (!links.ok()) {
    err << "error: " << links.error().message() << "\n";
    return 1;
  }
  end_on_signals();
  std::vector<drill::node_link*> nodes;
  for (const auto& l : *links)
    nodes.push_back(l.get());
  const auto options = options_of(c, clk);
  drill::rehearsal_environment env{
      clk, [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); },
      [] { return stop_wanted().load(); },
      [&err](const std::string& step) { err << step << std::endl; },
      isatty(STDERR_FILENO) != 0 ? &err : nullptr};
  const auto report = drill::rehearsal(options, nodes, std::move(env)).run();
  const auto faults = report.faults(options);
  out << (c.json ? as_figures(report, faults).json() + "\n" : as_text(report));
  for (const auto& f : faults)
    err << "error: " << f << "\n";
  return faults.empty() ? 0 : 1;
}

}  // namespace troupe::actors
