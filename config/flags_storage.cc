#include "config/flags_storage.h"

#include "config/yaml_reader.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace troupe::config {
namespace {

using kind = storage_command::kind;

/// A subcommand, the argument that it takes, and whether it must be there.
struct subcommand {
  kind what;
  const char* group;  ///< "" or the word in front
  const char* name;
  const char* argument;
  bool needed;
};
constexpr std::array<subcommand, 7> subcommands{{
    {kind::analyze, "", "analyze", "a block", false},
    {kind::verify, "", "verify", "", false},
    {kind::dump, "", "dump", "", false},
    {kind::import_tsdb, "import", "tsdb", "the folder to read", true},
    {kind::import_openmetrics, "import", "openmetrics", "the file to read (- for standard input)",
     true},
    {kind::export_tsdb, "export", "tsdb", "the folder to write", true},
    {kind::export_openmetrics, "export", "openmetrics", "the file to write", false},
}};

constexpr unsigned bit(kind k) {
  return 1U << static_cast<unsigned>(k);
}
constexpr unsigned imports = bit(kind::import_tsdb) | bit(kind::import_openmetrics);
constexpr unsigned selective =
    imports | bit(kind::dump) | bit(kind::export_tsdb) | bit(kind::export_openmetrics);
constexpr unsigned with_output = imports | bit(kind::analyze) | bit(kind::verify) |
                                 bit(kind::export_tsdb) | bit(kind::export_openmetrics);
constexpr unsigned all = selective | with_output;

constexpr std::string_view help_text =
    R"(usage: troupe storage analyze [<flags>] [<block>]             what takes the space: metrics, labels, churn
       troupe storage verify [<flags>]                        reads every file; 1 if one is damaged
       troupe storage dump [<flags>]                          samples as text on standard output
       troupe storage import tsdb [<flags>] <folder>          blocks of Prometheus: a data folder or one block
       troupe storage import openmetrics [<flags>] <file>|-   OpenMetrics text, every sample with its timestamp
       troupe storage export tsdb [<flags>] <folder>          blocks that Prometheus reads
       troupe storage export openmetrics [<flags>] [<file>]   OpenMetrics 1.0 text (default: standard output)

Works on the data folder of a troupe that is stopped; analyze works beside a running one too. Imports and block exports
that were killed go on where they were when the same command is given again, and repeating one stores nothing twice.

All:
      --storage.tsdb.path=data/   the data folder
all but dump:
  -o, --output=text|json          json: one object on standard output
dump, import, export:
      --match=SELECTOR            series to take, may be repeated (default: all)
      --start=TIME --end=TIME     Unix seconds or RFC 3339, both included
      --tenant=NAME               (default: the one without a name)
import:
      --dry-run                   says what would be stored and changes nothing
      --storage.tsdb.min-block-duration=2h   as the server's
analyze:
      --limit=20                  lines of each list
)";

}  // namespace

struct storage_grammar::impl {
  CLI::App* storage = nullptr;
  std::array<CLI::App*, subcommands.size()> apps{};
  storage_command given;
  std::string output = "text", limit, min_block;
  std::vector<std::string> arguments;
  bool help = false;

  void add_flags(CLI::App& app, unsigned me);
};

void storage_grammar::impl::add_flags(CLI::App& app, unsigned me) {
  const auto text = [&](unsigned takers, const char* name, auto& to) {
    if ((takers & me) != 0)
      app.add_option(name, to)->expected(1)->allow_extra_args(false);
  };
  text(all, "--storage.tsdb.path", given.dir);
  text(with_output, "--output,-o", output);
  text(selective, "--start", given.start);
  text(selective, "--end", given.end);
  text(selective, "--tenant", given.tenant);
  text(imports, "--storage.tsdb.min-block-duration", min_block);
  text(bit(kind::analyze), "--limit", limit);
  if ((selective & me) != 0)
    app.add_option("--match", given.matches)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if ((imports & me) != 0)
    app.add_flag("--dry-run", given.dry_run);
  app.add_option("arguments", arguments);
}

storage_grammar::storage_grammar() : impl_(std::make_unique<impl>()) {}
storage_grammar::~storage_grammar() = default;

void storage_grammar::add_to(CLI::App& app) {
  const auto prepare = [this](CLI::App* sub) {
    sub->set_help_flag();
    sub->add_flag("-h,--help", impl_->help);
    return sub;
  };
  impl_->storage = prepare(app.add_subcommand("storage"));
  impl_->storage->require_subcommand(0, 1);
  std::map<std::string_view, CLI::App*> groups{{"", impl_->storage}};
  for (size_t i = 0; i < subcommands.size(); ++i) {
    const subcommand& s = subcommands[i];
    CLI::App*& parent = groups[s.group];
    if (parent == nullptr) {
      parent = prepare(impl_->storage->add_subcommand(s.group));
      parent->require_subcommand(0, 1);
    }
    impl_->apps[i] = prepare(parent->add_subcommand(s.name));
    impl_->add_flags(*impl_->apps[i], bit(s.what));
  }
}

bool storage_grammar::parsed() const {
  return impl_->storage->parsed();
}
bool storage_grammar::wants_help() const {
  return impl_->help;
}
std::string_view storage_grammar::help() {
  return help_text;
}

result<storage_command> storage_grammar::finish() {
  const auto at = static_cast<size_t>(
      std::find_if(impl_->apps.begin(), impl_->apps.end(), [](auto* a) { return a->parsed(); }) -
      impl_->apps.begin());
  if (at == subcommands.size())
    return {errc::invalid_argument,
            "storage needs analyze, verify, dump, import tsdb|openmetrics or export "
            "tsdb|openmetrics; see troupe storage --help"};
  const subcommand& s = subcommands[at];
  storage_command c = impl_->given;
  c.what = s.what;
  if (impl_->output != "text" && impl_->output != "json")
    return {errc::invalid_argument,
            "--output: must be text or json, got " + troupe::quoted(impl_->output)};
  c.json = impl_->output == "json";
  int64_t limit = 0;
  if (!impl_->limit.empty()) {
    if (!parse_yaml_int(impl_->limit, limit) || limit < 1)
      return {errc::invalid_argument,
              "--limit: not a positive number: " + troupe::quoted(impl_->limit)};
    c.limit = static_cast<uint64_t>(limit);
  }
  if (!impl_->min_block.empty()) {
    auto width = parse_duration(impl_->min_block);
    if (!width.ok() || *width < 1)
      return {errc::invalid_argument, "--storage.tsdb.min-block-duration: not a valid duration: " +
                                          troupe::quoted(impl_->min_block)};
    c.min_block_ms = *width;
  }
  const std::string name = (*s.group == '\0' ? std::string() : std::string(s.group) + " ") + s.name;
  if (impl_->arguments.size() > (*s.argument == '\0' ? 0U : 1U))
    return {errc::invalid_argument,
            "storage " + name + ": unexpected argument " + troupe::quoted(impl_->arguments.back())};
  if (impl_->arguments.empty() && s.needed)
    return {errc::invalid_argument, "storage " + name + " takes " + s.argument};
  if (!impl_->arguments.empty())
    (s.what == kind::analyze ? c.block : c.path) = impl_->arguments.front();
  return c;
}

}  // namespace troupe::config
