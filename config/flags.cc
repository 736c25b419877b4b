// The command line. The only home of CLI11: it splits arguments into flags and values; what they
// mean is decided here.
#include "config/flags.h"

#include "config/defaults.h"
#include "config/flag_table.h"
#include "config/flags_bench.h"
#include "config/flags_drill.h"
#include "config/flags_features.h"
#include "config/flags_file.h"
#include "config/flags_replay.h"
#include "config/flags_rules.h"
#include "config/flags_storage.h"
#include "config/text.h"
#include "config/yaml.h"
#include "config/yaml_reader.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

namespace troupe::config {
namespace {

constexpr int usage_error = 2;
// Stands for an empty value ("--web.external-url="), which CLI11 would take from the next argument.
constexpr std::string_view empty_value = "\x01";

bool is_choice(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find('|'), choices.size());
    if (text == choices.substr(0, end))
      return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

status check_choice(const flag_spec& spec, const std::string& text) {
  if (spec.choices.empty() || is_choice(text, spec.choices))
    return {};
  std::string allowed(spec.choices);
  std::replace(allowed.begin(), allowed.end(), '|', ',');
  return {errc::invalid_argument, "--" + std::string(spec.name) + ": enum value must be one of " +
                                      allowed + ", got '" + text + "'"};
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& l : list)
    out += (out.empty() ? "" : ",") + l;
  return out;
}

// "2d {job="x"}", each; a single empty text is no rule.
result<std::vector<retention_rule_flag>> parse_rules(const std::vector<std::string>& given,
                                                     const flag_checks& checks) {
  std::vector<retention_rule_flag> out;
  for (const auto& text : given) {
    if (text.empty() && given.size() == 1)
      break;
    const auto space = std::min(text.find(' '), text.size());
    const auto start = std::min(text.find_first_not_of(' ', space), text.size());
    const auto ms = parse_duration(text.substr(0, space));
    if (!ms.ok())
      return ms.error().with_context(troupe::quoted(text));
    retention_rule_flag rule{text.substr(start), *ms};
    if (rule.selector.empty())
      return status(errc::invalid_argument,
                    troupe::quoted(text) + ": must be a duration and a selector");
    if (checks.selector)
      if (const auto s = checks.selector(rule.selector); !s.ok())
        return s.with_context(troupe::quoted(rule.selector));
    out.push_back(std::move(rule));
  }
  return out;
}

// Parses the text of one flag and puts it where it acts; `shown` is what the flags API prints.
status apply(const flag_spec& spec, const std::vector<std::string>& given,
             const flag_checks& checks, server_flags& into, std::string& shown) {
  flag_value v;
  v.list = given;
  v.text = given.back();
  const auto fail = [&](const status& s) { return s.with_context("--" + std::string(spec.name)); };
  const status bad_number(errc::invalid_argument, "not a number: " + troupe::quoted(v.text));
  shown = spec.repeats() ? joined(given) : v.text;
  switch (spec.kind) {
    case flag_kind::boolean:
      if (!parse_yaml_bool(v.text, v.on))
        return fail({errc::invalid_argument, "must be true or false"});
      shown = v.on ? "true" : "false";
      break;
    case flag_kind::text:
      TROUPE_TRY(check_choice(spec, v.text));
      break;
    case flag_kind::sync: {
      constexpr std::string_view interval = "interval";
      if (v.text.starts_with(interval) && v.text.size() > interval.size() + 1 &&
          v.text[interval.size()] == '=') {
        const auto ms = parse_duration(v.text.substr(interval.size() + 1));
        if (!ms.ok() || *ms <= 0)
          return fail({errc::invalid_argument, "not an interval: " + troupe::quoted(v.text)});
        v.number = *ms;
        v.text = interval;
      } else if (v.text != "always" && v.text != "os") {
        return check_choice(spec, v.text);
      }
      break;
    }
    case flag_kind::memory: {
      v.on = v.text.ends_with('%');
      if (v.on) {
        constexpr int64_t all = 100;
        if (!parse_yaml_int(v.text.substr(0, v.text.size() - 1), v.number) || v.number < 1 ||
            v.number > all)
          return fail({errc::invalid_argument, "not 1% to 100%: " + troupe::quoted(v.text)});
        break;
      }
      const auto n = parse_bytes(v.text);
      if (!n.ok())
        return fail(n.error());
      v.number = static_cast<int64_t>(*n);
      shown = format_bytes(*n);
      break;
    }
    case flag_kind::texts:
      for (const auto& t : given)
        TROUPE_TRY(check_choice(spec, t));
      break;
    case flag_kind::rules: {
      auto rules = parse_rules(given, checks);
      if (!rules.ok())
        return fail(rules.error());
      v.rules = std::move(*rules);
      break;
    }
    case flag_kind::duration: {
      const auto ms = parse_duration(v.text);
      if (!ms.ok())
        return fail(ms.error());
      v.number = *ms;
      shown = format_duration(*ms);
      break;
    }
    case flag_kind::bytes: {
      const auto n = parse_bytes(v.text);
      if (!n.ok())
        return fail(n.error());
      v.number = static_cast<int64_t>(*n);
      shown = format_bytes(*n);
      break;
    }
    case flag_kind::count:
      if (!parse_yaml_int(v.text, v.number) || v.number < 0)
        return fail(bad_number);
      break;
    case flag_kind::ratio: {
      double ratio = 0;
      if (!parse_yaml_number(v.text, ratio) || !(ratio > 0 && ratio <= 1))
        return fail({errc::invalid_argument, "must be more than 0 and at most 1"});
      break;
    }
  }
  if (spec.set != nullptr)
    spec.set(into, v);
  return {};
}

std::string help_text() {
  std::string out =
      "usage: troupe [<flags>]\n"
      "       troupe check config|rules <file>...\n"
      "       troupe test promql|rules <file>...\n"
      "       troupe rules backfill --start=<time> [<flags>] <file>...\n"
      "       troupe query instant|range|series|labels [<flags>] [<server>] [<arguments>]\n"
      "       troupe bench write|scrape|query|churn|audit [<flags>] [<server>]    see troupe bench "
      "--help\n"
      "       troupe storage analyze|verify|dump|import|export [<flags>]          see troupe "
      "storage "
      "--help\n"
      "       troupe replay --brokers=<host:port> --topic=<name> --to-url=<url> [<flags>]   see "
      "troupe "
      "replay "
      "--help\n"
      "       troupe drill region|brokers --from=<url> --to=<url> [<flags>]       see troupe drill "
      "--help\n"
      "       troupe version\n\n"
      "Scrapes, stores and answers queries about metrics.\n\nFlags:\n"
      "  -h, --help\n        Show this text.\n"
      "      --version\n        Show the version.\n";
  for (const auto& f : flag_table()) {
    if (f.visible == flag_help::hidden)
      continue;
    const std::string name(f.name);
    out += "      --" + (f.kind == flag_kind::boolean ? "[no-]" + name : name);
    if (f.kind != flag_kind::boolean)
      out += "=" + troupe::quoted(f.initial) + (f.repeats() ? " ..." : "");
    out += "\n        " + std::string(f.help);
    out += f.set == nullptr ? " Has no effect yet.\n" : "\n";
  }
  std::string names;
  for (const auto& f : feature_table())
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  return out + "\nFeatures: " + names + "\n";
}

command_line printing(std::string text, int code) {
  command_line c;
  c.run = command_line::command::print;
  c.exit_code = code;
  (code == 0 ? c.out : c.err) = std::move(text);
  return c;
}

command_line wrong_usage(const std::string& why) {
  return printing("Error parsing command line arguments: " + why + "\nTry 'troupe --help'.\n",
                  usage_error);
}

// The flags and subcommands as CLI11 knows them, with the places where it puts what was given.
struct grammar {
  CLI::App app{"", "troupe"};
  std::deque<std::vector<std::string>> values;
  std::vector<CLI::Option*> options;  // one for each of flag_table()
  bool help = false, version = false;
  CLI::App* check_config = nullptr;
  CLI::App* test_promql = nullptr;
  CLI::App* print_version = nullptr;
  std::array<CLI::App*, 4> query{};
  check_config_command check;
  test_promql_command test;
  query_command q;
  rules_grammar rules;
  bench_grammar bench;
  storage_grammar storage;
  replay_grammar replay;
  drill_grammar drill;
  std::vector<std::string> arguments;
  std::string output = "table", timeout = "30s";

  grammar();
  void add_server_flags();
  void add_query_flags();
};

constexpr std::array<const char*, 4> query_names{"instant", "range", "series", "labels"};

grammar::grammar() {
  app.set_help_flag();
  app.set_help_all_flag();
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);
  app.require_subcommand(0, 1);
  add_server_flags();
  auto* check_app = app.add_subcommand("check");
  check_app->require_subcommand(1);
  check_config = check_app->add_subcommand("config");
  check_config->add_flag("--syntax-only", check.syntax_only);
  check_config->add_option("files", check.files)->required();
  auto* test_app = app.add_subcommand("test");
  test_app->require_subcommand(1);
  test_promql = test_app->add_subcommand("promql");
  test_promql->add_option("files", test.files)->required();
  rules.add_to(app, *check_app, *test_app);
  print_version = app.add_subcommand("version");
  add_query_flags();
  bench.add_to(app);
  storage.add_to(app);
  replay.add_to(app);
  drill.add_to(app);
  for (auto* sub : {check_app, check_config, test_app, test_promql, print_version})
    sub->set_help_flag();
}

void grammar::add_server_flags() {
  for (const auto& spec : flag_table()) {
    const std::string name(spec.name);
    if (spec.kind == flag_kind::boolean) {
      options.push_back(app.add_flag("--" + name + ",!--no-" + name));
      values.emplace_back();
      continue;
    }
    values.emplace_back();
    options.push_back(
        app.add_option("--" + name, values.back())->expected(1)->allow_extra_args(false));
    options.back()->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
}

void grammar::add_query_flags() {
  auto* query_app = app.add_subcommand("query");
  query_app->require_subcommand(1);
  query_app->set_help_flag();
  for (size_t i = 0; i < query_names.size(); ++i) {
    auto* sub = query_app->add_subcommand(query_names[i]);
    sub->set_help_flag();
    query[i] = sub;
    sub->add_option("--server", q.server);
    sub->add_option("--output,-o", output);
    sub->add_option("--http.config.file", q.http_config_file);
    sub->add_option("--timeout", timeout);
    if (i == 0)
      sub->add_option("--time", q.time);
    if (i != 0) {
      sub->add_option("--start", q.start);
      sub->add_option("--end", q.end);
    }
    if (i == 1)
      sub->add_option("--step", q.step);
    if (i >= 2)
      sub->add_option("--match", q.matches)->expected(1)->allow_extra_args(false)->take_all();
    sub->add_option("arguments", arguments);
  }
}

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// Arguments of a query: an optional server in front, then the expression, selectors or a label's
// name.
command_line finish_query(grammar& g) {
  auto& q = g.q;
  auto rest = g.arguments;
  if (!rest.empty() && is_url(rest.front())) {
    q.server = rest.front();
    rest.erase(rest.begin());
  }
  const auto kind = static_cast<size_t>(
      std::find_if(g.query.begin(), g.query.end(), [](auto* a) { return a->parsed(); }) -
      g.query.begin());
  q.what = static_cast<query_command::kind>(kind);
  const bool takes_expr =
      q.what == query_command::kind::instant || q.what == query_command::kind::range;
  if (takes_expr && rest.size() != 1)
    return wrong_usage("query " + std::string(query_names[kind]) + " takes one expression");
  if (takes_expr)
    q.expr = rest.front();
  else if (q.what == query_command::kind::series)
    q.matches.insert(q.matches.end(), rest.begin(), rest.end());
  else if (rest.size() > 1)
    return wrong_usage("query labels takes at most one label");
  else if (!rest.empty())
    q.label = rest.front();
  if (q.what == query_command::kind::series && q.matches.empty())
    return wrong_usage("query series takes at least one selector");
  if (!is_choice(g.output, "table|json|sparkline"))
    return wrong_usage("--output: must be table, json or sparkline");
  q.print = g.output == "json"        ? query_command::output::json
            : g.output == "sparkline" ? query_command::output::sparkline
                                      : query_command::output::table;
  if (const auto s = check_url(q.server); !s.ok())
    return wrong_usage("server " + troupe::quoted(mask_url(q.server)) + ": " +
                       std::string(s.message()));
  const auto timeout = parse_duration(g.timeout);
  if (!timeout.ok() || *timeout == 0)
    return wrong_usage("--timeout: not a valid duration: " + troupe::quoted(g.timeout));
  q.timeout_ms = *timeout;
  command_line c;
  c.run = command_line::command::query;
  c.query = std::move(q);
  return c;
}

/// Of a subcommand with a grammar of its own: what it finished goes to `into`.
template <class Grammar, class Command>
command_line finish_with(Grammar& of, command_line::command run, Command command_line::*into) {
  auto finished = of.finish();
  if (!finished.ok())
    return wrong_usage(std::string(finished.error().message()));
  command_line c;
  c.run = run;
  c.*into = std::move(*finished);
  return c;
}

given_values given_flags(const grammar& g) {
  given_values given;
  const auto table = flag_table();
  for (size_t i = 0; i < table.size(); ++i) {
    if (g.options[i]->count() == 0)
      continue;
    if (table[i].kind == flag_kind::boolean) {
      given[table[i].name] = {g.options[i]->as<bool>() ? "true" : "false"};
      continue;
    }
    auto list = g.values[i];
    for (auto& v : list)
      if (v == empty_value)
        v.clear();
    given[table[i].name] = std::move(list);
  }
  return given;
}

command_line finish_server(const grammar& g, file_system& fs, const flag_checks& checks) {
  auto given = given_flags(g);
  const auto check = [&](const flag_spec& spec, const std::string& text) {
    std::string shown;
    server_flags scratch;
    return apply(spec, {text}, checks, scratch, shown);
  };
  if (const auto file = given.find("troupe.config.file");
      file != given.end() && !file->second.back().empty())
    if (const auto s = read_troupe_file(file->second.back(), fs, check, given); !s.ok())
      return printing(std::string(s.message()) + "\n", 1);
  command_line out;
  for (const auto& spec : flag_table()) {
    const std::string name(spec.name);
    out.values[name] = spec.initial;
    const auto value = given.find(spec.name);
    if (value == given.end())
      continue;
    if (value->second.size() > 1 && !spec.repeats())
      return wrong_usage("flag '" + name + "' cannot be repeated");
    if (const auto s = apply(spec, value->second, checks, out.server, out.values[name]); !s.ok())
      return wrong_usage(std::string(s.message()));
    if (spec.set == nullptr && out.values[name] != spec.initial)
      out.inert.push_back(name);
  }
  const auto is_quote = [](char c) { return c == '"' || c == '\''; };
  if (const auto& url = out.server.web.external_url;
      !url.empty() && (is_quote(url.front()) || is_quote(url.back())))
    return wrong_usage("parse external URL " + troupe::quoted(url) +
                       ": URL must not begin or end with quotes");
  if (const auto features = given.find("enable-feature"); features != given.end())
    if (const auto st = apply_features(features->second, out); !st.ok())
      return wrong_usage(std::string(st.message()));
  return out;
}

std::optional<command_line> asked_for_help(const grammar& g) {
  if (g.bench.wants_help())
    return printing(std::string(bench_grammar::help()), 0);
  if (g.storage.wants_help())
    return printing(std::string(storage_grammar::help()), 0);
  if (g.replay.wants_help())
    return printing(std::string(replay_grammar::help()), 0);
  if (g.drill.wants_help())
    return printing(std::string(drill_grammar::help()), 0);
  if (g.help)
    return printing(help_text(), 0);
  return std::nullopt;
}

// "--x=" becomes "--x=<mark>"; see empty_value.
std::vector<std::string> marked(const std::vector<std::string>& args) {
  auto out = args;
  for (auto& a : out)
    if (a.starts_with("--") && a.ends_with('=') && a.find('=') == a.size() - 1)
      a += empty_value;
  return out;
}

// CLI11's reason in Prometheus' words.
std::string explain(const CLI::ParseError& e) {
  const std::string what = e.what();
  const auto colon = what.find(": ");
  const bool extras = e.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (!extras || colon == std::string::npos)
    return what;
  // "The following arguments were not expected: --a=1 b"
  const auto first = what.substr(colon + 2, what.find(' ', colon + 2) - colon - 2);
  const auto name = first.substr(0, first.find('='));
  if (name.starts_with("--"))
    return "unknown long flag '" + name + "'";
  if (name.starts_with("-"))
    return "unknown short flag '" + name + "'";
  return "unexpected " + first;
}

}  // namespace

std::string version_text() {
  return "troupe, version " TROUPE_VERSION "\n  compiler:   " __VERSION__ "\n";
}

command_line parse_command_line(const std::vector<std::string>& args, file_system& fs,
                                const flag_checks& checks) {
  grammar g;
  try {
    auto reversed = marked(args);
    std::reverse(reversed.begin(), reversed.end());
    g.app.parse(std::move(reversed));
  } catch (const CLI::ParseError& e) {
    return asked_for_help(g).value_or(wrong_usage(explain(e)));
  }
  if (auto help = asked_for_help(g))
    return *std::move(help);
  if (g.version || g.print_version->parsed())
    return printing(version_text(), 0);
  command_line c;
  if (g.check_config->parsed()) {
    c.run = command_line::command::check_config;
    c.check = std::move(g.check);
    return c;
  }
  if (g.rules.checks()) {
    c.run = command_line::command::check_rules;
    c.check_rules = g.rules.check();
    return c;
  }
  if (g.rules.tests()) {
    c.run = command_line::command::test_rules;
    c.test_rules = g.rules.test();
    return c;
  }
  if (g.rules.backfills()) {
    auto backfill = g.rules.backfill();
    if (!backfill.ok())
      return wrong_usage(std::string(backfill.error().message()));
    c.run = command_line::command::backfill_rules;
    c.backfill_rules = std::move(*backfill);
    return c;
  }
  if (g.test_promql->parsed()) {
    c.run = command_line::command::test_promql;
    c.test = std::move(g.test);
    return c;
  }
  if (std::any_of(g.query.begin(), g.query.end(), [](auto* a) { return a->parsed(); }))
    return finish_query(g);
  if (g.bench.parsed())
    return finish_with(g.bench, command_line::command::bench, &command_line::bench);
  if (g.storage.parsed())
    return finish_with(g.storage, command_line::command::storage, &command_line::storage);
  if (g.replay.parsed())
    return finish_with(g.replay, command_line::command::replay, &command_line::replay);
  if (g.drill.parsed())
    return finish_with(g.drill, command_line::command::drill, &command_line::drill);
  return finish_server(g, fs, checks);
}

std::string route_prefix(const web_flags& f) {
  std::string prefix = f.route_prefix;
  if (prefix.empty()) {
    const auto scheme = f.external_url.find("://");
    const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
    const auto path = f.external_url.find('/', host);
    if (path != std::string::npos)
      prefix = f.external_url.substr(path, f.external_url.find_first_of("?#", path) - path);
  }
  while (!prefix.empty() && prefix.back() == '/')
    prefix.pop_back();
  if (prefix.empty() || prefix.front() != '/')
    prefix.insert(0, "/");
  return prefix;
}

}  // namespace troupe::config
