#include "config/flags_drill.h"

#include "config/flags_setters.h"
#include "config/text.h"
#include "config/validate.h"
#include "config/yaml_reader.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iterator>

namespace troupe::config {
namespace {

using command = drill_command;
using set = flag_setters<command>;

/// A pause of a stage ends by itself after an hour at most, and outlasts the cut.
constexpr int64_t longest_cut_ms = 55LL * 60'000;
constexpr double least_rate = 0.1, most_rate = 10'000;

status set_cut(command& c, const std::string& text) {
  TROUPE_ASSIGN(c.cut_ms, parse_duration(text));
  if (c.cut_ms < 1'000)
    return bad_flag("too short", text);
  return c.cut_ms > longest_cut_ms ? bad_flag("too long", text) : status();
}
status check_node(std::string& url) {
  if (const auto s = check_url(url); !s.ok())
    return s.with_context(troupe::quoted(mask_url(url)));
  while (url.ends_with('/'))
    url.pop_back();
  return {};
}
status set_from(command& c, const std::string& text) {
  c.from = text;
  return check_node(c.from);
}
status add_to(command& c, const std::string& text) {
  c.to.push_back(text);
  return check_node(c.to.back());
}
status set_rate(command& c, const std::string& text) {
  if (!parse_yaml_number(text, c.rate) || !(c.rate >= least_rate && c.rate <= most_rate))
    return bad_flag("not a number in range", text);
  return {};
}

constexpr settable_flag<command> flags[] = {
    {"from", set_from},
    {"to", add_to},
    {"region", set::text<&command::region>},
    {"cut", set_cut},
    {"rate", set_rate},
    {"timeout", set::duration<&command::timeout_ms, 1>},
    {"max-rpo", set::duration<&command::max_rpo_ms>},
    {"max-rto", set::duration<&command::max_rto_ms>},
    {"http.config.file", set::text<&command::http_config_file>},
    {"output,-o", set::output},
};

constexpr std::string_view help_text =
    R"(usage: troupe drill region|brokers --from=URL --to=URL... [<flags>]

Rehearses an outage on a live system, and prints what was measured. Series of its own (troupe_drill) are written to a
node of one region and looked for at nodes of others; then these stop taking over from it (region), or all of them stop
writing and reading topics (brokers), for a while; all is resumed and compared. Stages are paused, nothing is stopped:
what waits is in the log and in the topics, and a pause ends by itself if the drill dies. Needs the admin API of all
nodes (--web.enable-admin-api), and remote write at the first. Exit code 1 unless every sample that was acknowledged is
at every node, once.

      --from=URL                a node of the region whose loss is rehearsed
      --to=URL                  a node of another region; may be repeated
      --region=NAME             of the blocks that bring the region's data there (default: found by topics and URLs)
      --cut=1m                  how long the outage lasts
      --rate=50                 samples a second that are written
      --timeout=5m              for them to be at all nodes, before and after the cut
      --max-rpo=DURATION        exit code 1 if more than that would have been lost with the region
      --max-rto=DURATION        exit code 1 if all was back later than that after the cut
      --dry-run                 only checks, and says what would be paused
      --keep                    leaves the series
      --http.config.file=FILE   credentials and TLS of all nodes, as an http_config of Prometheus
  -o, --output=text|json        json: one object on standard output
)";

}  // namespace

struct drill_grammar::impl {
  CLI::App* app = nullptr;
  std::string of;
  given_flags<command, std::size(flags)> given;
  bool dry_run = false, keep = false, help = false;
};

drill_grammar::drill_grammar() : impl_(std::make_unique<impl>()) {}
drill_grammar::~drill_grammar() = default;

void drill_grammar::add_to(CLI::App& app) {
  impl_->app = app.add_subcommand("drill");
  impl_->app->set_help_flag();
  impl_->app->add_flag("-h,--help", impl_->help);
  impl_->app->add_flag("--dry-run", impl_->dry_run);
  impl_->app->add_flag("--keep", impl_->keep);
  impl_->app->add_option("outage", impl_->of);
  impl_->given.add_to(*impl_->app, flags);
}

bool drill_grammar::parsed() const {
  return impl_->app->parsed();
}

bool drill_grammar::wants_help() const {
  return impl_->help;
}

std::string_view drill_grammar::help() {
  return help_text;
}

result<drill_command> drill_grammar::finish() {
  command c;
  if (impl_->of != "region" && impl_->of != "brokers")
    return {errc::invalid_argument, "drill needs to know what is lost: region or brokers"};
  c.of = impl_->of == "region" ? command::outage::region : command::outage::brokers;
  c.dry_run = impl_->dry_run;
  c.keep = impl_->keep;
  TROUPE_TRY(impl_->given.apply(flags, c));
  if (c.from.empty())
    return {errc::invalid_argument, "drill needs --from"};
  if (c.to.empty())
    return {errc::invalid_argument, "drill needs --to"};
  auto all = c.to;
  all.push_back(c.from);
  std::sort(all.begin(), all.end());
  if (const auto twice = std::adjacent_find(all.begin(), all.end()); twice != all.end())
    return {errc::invalid_argument, mask_url(*twice) + " is named twice"};
  return c;
}

}  // namespace troupe::config
