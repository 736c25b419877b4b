#include "config/flags_replay.h"

#include "config/flags_setters.h"
#include "config/text.h"
#include "config/topic_stream.h"
#include "config/validate.h"
#include "config/yaml_reader.h"

#include <CLI/CLI.hpp>

#include <iterator>

namespace troupe::config {
namespace {

using command = replay_command;
using set = flag_setters<command>;

status add_brokers(command& c, const std::string& text) {
  for (auto& broker : split_brokers(text))
    c.cluster.brokers.push_back(std::move(broker));
  return {};
}
status add_match(command& c, const std::string& text) {
  c.matches.push_back(text);
  return {};
}
status add_label(command& c, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    return bad_flag("must be name=value, got", text);
  if (!c.labels.emplace(text.substr(0, equals), text.substr(equals + 1)).second)
    return bad_flag("is there twice", text.substr(0, equals));
  return {};
}
status set_url(command& c, const std::string& text) {
  if (const auto s = check_url(text); !s.ok())
    return s.with_context(troupe::quoted(mask_url(text)));
  const size_t path = text.find('/', text.find("://") + 3);
  const bool bare = path == std::string::npos || path + 1 == text.size();
  c.write_url = bare ? text.substr(0, path) + "/api/v1/write" : text;
  return {};
}
status set_rate(command& c, const std::string& text) {
  if (!parse_yaml_number(text, c.rate) || !(c.rate >= 0 && c.rate < 1e12))
    return bad_flag("not a number in range", text);
  return {};
}

constexpr settable_flag<command> flags[] = {
    {"brokers", add_brokers},
    {"kafka.config.file", set::text<&command::kafka_file>},
    {"topic", set::text<&command::topic>},
    {"from", set::text<&command::from>},
    {"to", set::text<&command::to>},
    {"slack", set::duration<&command::slack_ms, 0>},
    {"match", add_match},
    {"label", add_label},
    {"to-url", set_url},
    {"http.config.file", set::text<&command::http_config_file>},
    {"timeout", set::duration<&command::timeout_ms, 1>},
    {"rate", set_rate},
    {"state", set::text<&command::state_file>},
    {"output,-o", set::output},
};

constexpr std::string_view help_text =
    R"(usage: troupe replay --brokers=HOST:PORT,... --topic=NAME --to-url=URL [<flags>]

Writes the samples that a Kafka topic holds of a time into a node of troupe, or any receiver of remote write. Records
may be troupe's own, bodies of remote write 1.0 and 2.0, or the JSON of prometheus-kafka-adapter. Exit code 1 unless
every sample of the window that was in the topic is written.

      --brokers=HOST:PORT,...   of the cluster, some of them
      --kafka.config.file=FILE  instead: the cluster as YAML, with its keys under kafka (TLS, SASL, settings)
      --topic=NAME
      --from=TIME --to=TIME     samples with from <= time < to; RFC 3339 or Unix seconds (default: all)
      --slack=10m               how much later than its samples a record may be: longer than nodes were cut off
      --match=SELECTOR          series to take, may be repeated (default: all)
      --label=NAME=VALUE        added to every series that has it not; may be repeated
      --to-url=URL              of the node (its /api/v1/write); with a path it is taken as it is
      --http.config.file=FILE   credentials and TLS of the receiver, as an http_config of Prometheus
      --timeout=1m              of one request
      --rate=0                  samples a second; 0: as fast as it goes
      --dry-run                 counts what would be written, and writes nothing
      --state=FILE              keeps what is written already: the same command goes on from there
  -o, --output=text|json        json: one object on standard output
)";

}  // namespace

struct replay_grammar::impl {
  CLI::App* app = nullptr;
  given_flags<command, std::size(flags)> given;
  bool dry_run = false, help = false;
};

replay_grammar::replay_grammar() : impl_(std::make_unique<impl>()) {}
replay_grammar::~replay_grammar() = default;

void replay_grammar::add_to(CLI::App& app) {
  impl_->app = app.add_subcommand("replay");
  impl_->app->set_help_flag();
  impl_->app->add_flag("-h,--help", impl_->help);
  impl_->app->add_flag("--dry-run", impl_->dry_run);
  impl_->given.add_to(*impl_->app, flags);
}

bool replay_grammar::parsed() const {
  return impl_->app->parsed();
}

bool replay_grammar::wants_help() const {
  return impl_->help;
}

std::string_view replay_grammar::help() {
  return help_text;
}

result<replay_command> replay_grammar::finish() {
  command c;
  c.dry_run = impl_->dry_run;
  TROUPE_TRY(impl_->given.apply(flags, c));
  if (c.cluster.brokers.empty() == c.kafka_file.empty())
    return {errc::invalid_argument, "replay needs --brokers or --kafka.config.file"};
  if (c.topic.empty())
    return {errc::invalid_argument, "replay needs --topic"};
  if (c.write_url.empty() && !c.dry_run)
    return {errc::invalid_argument, "replay needs --to-url"};
  c.cluster.name = "replay";
  diagnostics found;
  if (c.kafka_file.empty())
    validate(c.cluster, "", found);
  consume_config read;
  read.name = read.kafka = c.cluster.name;
  read.topic = c.topic;
  read.labels = c.labels;
  validate(read, "", found);
  TROUPE_TRY(to_status(found));
  return c;
}

}  // namespace troupe::config
