#include "config/flags_bench.h"

#include "config/flags_setters.h"
#include "config/text.h"
#include "config/yaml_reader.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace troupe::config {
namespace {

constexpr std::array<const char*, 5> kinds{"write", "scrape", "query", "churn", "audit"};
constexpr std::array<std::string_view, 5> profiles{"node", "busy", "walk16", "classic", "native"};

enum flag_for : unsigned {
  for_write = 1,
  for_scrape = 2,
  for_query = 4,
  for_churn = 8,
  for_audit = 16,
  for_writers = for_write | for_churn,
  for_all = 31,
};

using set = flag_setters<bench_command>;

/// A flag with a value, the subcommands that take it, and where its text goes.
struct bench_flag {
  const char* name;
  unsigned takers;
  status (*set)(bench_command&, const std::string& text);
};

template <auto Field, int64_t Least = 0>
status set_count(bench_command& c, const std::string& text) {
  int64_t n = 0;
  if (!parse_yaml_int(text, n) || n < Least || n > (1LL << 40))
    return bad_flag("not a number in range", text);
  c.*Field = static_cast<std::remove_reference_t<decltype(c.*Field)>>(n);
  return {};
}
template <auto Field>
status set_number(bench_command& c, const std::string& text) {
  double n = 0;
  if (!parse_yaml_number(text, n) || !(n >= 0 && n < 1e12))
    return bad_flag("not a number in range", text);
  c.*Field = n;
  return {};
}
status set_profile(bench_command& c, const std::string& text) {
  if (std::find(profiles.begin(), profiles.end(), text) == profiles.end())
    return bad_flag("must be node, busy, walk16, classic or native, got", text);
  c.profile = text;
  return {};
}
status set_protocol(bench_command& c, const std::string& text) {
  if (text != "1.0" && text != "2.0" && text != "otlp")
    return bad_flag("must be 1.0, 2.0 or otlp, got", text);
  c.protocol = text == "1.0"   ? load_protocol::write_v1
               : text == "2.0" ? load_protocol::write_v2
                               : load_protocol::otlp;
  return {};
}
status set_path(bench_command& c, const std::string& text) {
  if (!text.starts_with('/'))
    return bad_flag("must begin with /, got", text);
  c.path = text;
  return {};
}
status set_port(bench_command& c, const std::string& text) {
  int64_t n = 0;
  if (!parse_yaml_int(text, n) || n < 0 || n > 65'535)
    return bad_flag("not a port", text);
  c.port = static_cast<uint16_t>(n);
  return {};
}
status set_end(bench_command& c, const std::string& text) {
  double seconds = 0;
  if (!parse_yaml_number(text, seconds) || !(seconds > 0 && seconds < 1e11))
    return bad_flag("not a Unix time in seconds", text);
  c.end_ms = static_cast<int64_t>(seconds * 1000);
  return {};
}
status add_instant(bench_command& c, const std::string& text) {
  c.instant.push_back(text);
  return {};
}
status add_range(bench_command& c, const std::string& text) {
  c.range.push_back(text);
  return {};
}

using b = bench_command;
constexpr bench_flag flags[] = {
    {"server", for_all, set::text<&b::server>},
    {"output,-o", for_all, set::output},
    {"http.config.file", for_all, set::text<&b::http_config_file>},
    {"timeout", for_all, set::duration<&b::timeout_ms, 1>},
    {"profile", for_all & ~for_audit, set_profile},
    {"recording", for_writers | for_scrape, set::text<&b::recording>},
    {"seed", for_all & ~for_audit, set_count<&b::seed>},
    {"series-per-host", for_writers | for_scrape, set_count<&b::width, 1>},
    {"series", for_writers, set_count<&b::series, 1>},
    {"new-series", for_churn, set_number<&b::churn>},
    {"duration", for_writers | for_scrape | for_query, set::duration<&b::duration_ms>},
    {"step", for_writers | for_query, set::duration<&b::step_ms, 1>},
    {"end", for_writers | for_query, set_end},
    {"samples-per-request", for_writers, set_count<&b::samples_per_request, 1>},
    {"in-flight", for_writers | for_query, set_count<&b::in_flight, 1>},
    {"protocol", for_writers, set_protocol},
    {"path", for_writers, set_path},
    {"rate", for_writers, set_number<&b::rate>},
    {"retry", for_writers, set::duration<&b::retry_ms>},
    {"ledger", for_writers, set::text<&b::ledger>},
    {"targets", for_scrape, set_count<&b::targets, 1>},
    {"port", for_scrape, set_port},
    {"sd-file", for_scrape, set::text<&b::sd_file>},
    {"instant", for_query, add_instant},
    {"range", for_query, add_range},
    {"window", for_query, set::duration<&b::range_ms, 1>},
    {"count", for_query, set_count<&b::count, 1>},
};

constexpr std::string_view help_text =
    R"(usage: troupe bench write  [<flags>] [<server>]         remote write (or OTLP) of a fleet in simulated time
       troupe bench churn  [<flags>] [<server>]         the same, with new series in the place of old ones at each step
       troupe bench scrape [<flags>] [<server>]         serves targets on 127.1.0.0 and up; the server is for --audit
       troupe bench query  [<flags>] [<server>]         a mix of instant and range queries
       troupe bench audit  [<flags>] [<server>] <file>  looks for every sample that a ledger says was acknowledged

Puts load on any Prometheus-compatible server (default http://localhost:9090). Equal flags give equal bytes.

All:
      --server=URL              the same as the argument
  -o, --output=text|json        json: one object on standard output
      --http.config.file=FILE   credentials and TLS, as an http_config of Prometheus
      --timeout=60s             of one request
      --profile=node            node (a recorded, busy node_exporter as many hosts), busy, walk16 (16-digit random
                                walks), classic or native (histograms)
      --seed=1
write, churn, scrape:
      --series-per-host=N       instead of all of the profile (node: 523, else 500)
      --recording=FILE          for the node profile, instead of the built-in one
      --audit                   afterwards looks for every acknowledged sample and compares bits; 1 if one is missing
write, churn:
      --series=10000            active at any time
      --new-series=N            churn: replaced at each step (default: 1 % of them)
      --duration=1h --step=15s  simulated; the last sample lies at --end=UNIX_SECONDS (default: now)
      --samples-per-request=2000 --in-flight=4
      --protocol=1.0            of remote write: 1.0 or 2.0; or otlp
      --path=/api/v1/write      of the server's route (otlp: /api/v1/otlp/v1/metrics)
      --rate=0                  samples a second; 0: as fast as possible
      --retry=1m                how long a request is sent again until it is given up
      --ledger=FILE             notes what was acknowledged, for `troupe bench audit`
scrape:
      --targets=200 --port=9100 target I is 127.1.0.0 + I; GET /sd on any of them lists all for http_sd_configs
      --sd-file=FILE            the same list for file_sd_configs
      --no-gzip                 plain bodies only
      --duration=0s             0s: until stopped
query:
      --instant=EXPR --range=EXPR   instead of the profile's mix; may be repeated
      --window=1h --step=15s        of range queries; all end at --end=UNIX_SECONDS (default: now)
      --in-flight=1 --duration=10s  or --count=N queries in all
)";

}  // namespace

struct bench_grammar::impl {
  std::array<CLI::App*, kinds.size()> apps{};
  CLI::App* bench = nullptr;
  // What was given, by flag; CLI11 only splits.
  std::array<std::vector<std::string>, std::size(flags)> values;
  std::vector<std::string> arguments;
  bool audit = false, no_gzip = false, help = false;
};

bench_grammar::bench_grammar() : impl_(std::make_unique<impl>()) {}
bench_grammar::~bench_grammar() = default;

void bench_grammar::add_to(CLI::App& app) {
  impl_->bench = app.add_subcommand("bench");
  impl_->bench->require_subcommand(0, 1);
  impl_->bench->set_help_flag();
  impl_->bench->add_flag("-h,--help", impl_->help);
  for (size_t k = 0; k < kinds.size(); ++k) {
    auto* sub = impl_->apps[k] = impl_->bench->add_subcommand(kinds[k]);
    sub->set_help_flag();
    sub->add_flag("-h,--help", impl_->help);
    for (size_t f = 0; f < std::size(flags); ++f) {
      if ((flags[f].takers & 1U << k) == 0)
        continue;
      auto* o = sub->add_option(std::string("--") + flags[f].name, impl_->values[f]);
      o->expected(1)->allow_extra_args(false);
      o->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    if ((1U << k & (for_writers | for_scrape)) != 0)
      sub->add_flag("--audit", impl_->audit);
    if ((1U << k & for_scrape) != 0)
      sub->add_flag("--no-gzip", impl_->no_gzip);
    sub->add_option("arguments", impl_->arguments);
  }
}

bool bench_grammar::parsed() const {
  return impl_->bench->parsed();
}

bool bench_grammar::wants_help() const {
  return impl_->help;
}

std::string_view bench_grammar::help() {
  return help_text;
}

result<bench_command> bench_grammar::finish() {
  bench_command c;
  const auto kind = static_cast<size_t>(
      std::find_if(impl_->apps.begin(), impl_->apps.end(), [](auto* a) { return a->parsed(); }) -
      impl_->apps.begin());
  if (kind == kinds.size())
    return {errc::invalid_argument, "bench needs write, scrape, query, churn or audit"};
  c.what = static_cast<bench_command::kind>(kind);
  if (c.what == bench_command::kind::scrape) {
    c.server.clear();
    c.duration_ms = 0;
  }
  if (c.what == bench_command::kind::query) {
    c.duration_ms = 10'000;
    c.in_flight = 1;
  }
  c.churn = -1;
  for (size_t f = 0; f < std::size(flags); ++f)
    for (const auto& text : impl_->values[f])
      if (const auto s = flags[f].set(c, text); !s.ok()) {
        const std::string_view name(flags[f].name);
        return s.with_context("--" + std::string(name.substr(0, name.find(','))));
      }
  if (c.churn < 0)
    c.churn = c.what == bench_command::kind::churn ? static_cast<double>(c.series) / 100 : 0;
  c.audit = impl_->audit;
  c.gzip = !impl_->no_gzip;
  auto rest = impl_->arguments;
  const bool takes_file = c.what == bench_command::kind::audit;
  if (!rest.empty() &&
      (rest.front().starts_with("http://") || rest.front().starts_with("https://"))) {
    c.server = rest.front();
    rest.erase(rest.begin());
  }
  if (takes_file && !rest.empty()) {
    c.ledger = rest.front();
    rest.erase(rest.begin());
  }
  if (!rest.empty())
    return bad_flag("unexpected argument", rest.front());
  if (takes_file && c.ledger.empty())
    return {errc::invalid_argument, "bench audit takes the ledger's file"};
  if (c.what == bench_command::kind::scrape) {
    constexpr uint64_t most_targets = (1U << 24) - (1U << 16);
    if (c.profile == "native")
      return {errc::invalid_argument,
              "--profile: the targets serve the text format, which cannot carry native histograms; "
              "use bench write"};
    if (c.targets > most_targets)
      return {errc::invalid_argument, "--targets: 127.0.0.0/8 has no room for so many"};
    if (c.audit && (c.server.empty() || c.duration_ms == 0))
      return {errc::invalid_argument, "--audit: needs the server's URL and a --duration"};
    if (c.server.empty())
      return c;
  }
  if (const auto s = check_url(c.server); !s.ok())
    return s.with_context("server " + troupe::quoted(mask_url(c.server)));
  const bool writes = c.what == bench_command::kind::write || c.what == bench_command::kind::churn;
  if (writes && c.duration_ms < c.step_ms)
    return {errc::invalid_argument, "--duration: shorter than a --step"};
  if (writes && c.churn > static_cast<double>(c.series))
    return {errc::invalid_argument, "--new-series: more than --series"};
  return c;
}

}  // namespace troupe::config
