// The functions that Prometheus adds to templates.
#include "pipeline/parse/number.h"
#include "pipeline/relabel/letter_case.h"
#include "pipeline/template/address.h"
#include "pipeline/template/escape.h"
#include "pipeline/template/functions.h"
#include "pipeline/template/go_time.h"
#include "pipeline/template/go_verbs.h"
#include "pipeline/template/humanize.h"
#include "pipeline/template/title_case.h"
#include "query/engine/annotations.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"
#include "storage/base/regex.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace troupe::templates {
namespace {

using type = value::type;
using arguments = std::span<const value>;

constexpr size_t max_map_nesting = 100;
constexpr std::string_view null_pointer =
    "runtime error: invalid memory address or nil pointer dereference";

status error(std::string message) {
  return {errc::execution, std::move(message)};
}

result<value> made(call_context& c, std::string text) {
  TROUPE_TRY(c.work.charge(text.size()));
  return value::of(std::move(text));
}

// Go's strconv.ParseFloat.
result<double> parse_go_float(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return error("strconv.ParseFloat: parsing " + quoted(text) + ": " + std::string(why));
  };
  double v = 0;
  const auto wrong = parse::parse_float(text, v);
  if (wrong == parse::number_error::range)
    return bad("value out of range");
  return wrong == parse::number_error::none ? result<double>(v) : bad("invalid syntax");
}

result<double> to_float(const value& v) {
  switch (v.kind()) {
    case type::number:
      return v.as<double>();
    case type::integer:
      return static_cast<double>(v.as<int64_t>());
    case type::text:
      return parse_go_float(v.text());
    default:
      return error("can't convert " + std::string(v.type_name()) + " to float");
  }
}

using number_text = std::string (*)(double);

template <number_text F>
result<value> humanized(call_context&, arguments args) {
  TROUPE_ASSIGN(const double v, to_float(args[0]));
  return value::of(F(v));
}

// Nanoseconds of a timestamp in seconds, cut to milliseconds.
result<instant> to_instant(double seconds) {
  const double ns = seconds * 1e9;
  constexpr double limit = 9223372036854775808.0;
  if (!(ns < limit && ns >= -limit))
    return error(query::format_go_g(seconds) +
                 " cannot be represented as a nanoseconds timestamp since it overflows int64");
  return instant{static_cast<int64_t>(ns) / 1'000'000 * 1'000'000};
}

result<value> humanize_timestamp(call_context&, arguments args) {
  TROUPE_ASSIGN(const double v, to_float(args[0]));
  if (!std::isfinite(v))
    return value::of(humanize(v));
  TROUPE_ASSIGN(const auto t, to_instant(v));
  return value::of(time_text(t));
}

result<value> to_time(call_context&, arguments args) {
  TROUPE_ASSIGN(const double v, to_float(args[0]));
  if (!std::isfinite(v))
    return error("value is NaN or Inf");
  TROUPE_ASSIGN(const auto t, to_instant(v));
  return value(value::storage(t));
}

result<value> to_duration(call_context&, arguments args) {
  TROUPE_ASSIGN(const double v, to_float(args[0]));
  if (!std::isfinite(v))
    return error("value is NaN or Inf");
  const double ns = v * 1e9;
  constexpr double limit = 9223372036854775808.0;
  if (!(ns < limit && ns >= -limit))
    return error(query::format_go_g(v) +
                 " cannot be represented as a nanoseconds duration since it overflows int64");
  return value(value::storage(span{static_cast<int64_t>(ns)}));
}

result<value> now(call_context& c, arguments) {
  return value::of(static_cast<double>(c.env.now) / 1000);
}

result<value> parse_duration_text(call_context&, arguments args) {
  const auto ms = parse_duration(args[0].text());
  if (!ms.ok())
    return error(std::string(ms.error().message()));
  return value::of(static_cast<double>(*ms) / 1000);
}

result<value> query_(call_context& c, arguments args) {
  if (!c.env.query)
    return error("no query can be answered here");
  TROUPE_TRY(c.work.charge(args[0].text().size()));
  auto answer = c.env.query(args[0].text(), c.env.now);
  if (!answer.ok())
    return error(std::string(answer.error().message()));
  std::vector<sample_ptr> samples;
  samples.reserve(answer->size());
  for (auto& s : *answer) {
    TROUPE_TRY(c.work.charge(sizeof(sample) + s.metric.heap_bytes()));
    s.number = s.number.boxed();
    samples.push_back(std::make_shared<const sample>(std::move(s)));
  }
  return value::of(std::move(samples));
}

result<value> first(call_context&, arguments args) {
  const auto& list = args[0].as<sample_list>();
  if (list.size() == 0)
    return error("first() called on vector with no elements");
  return value(value::storage(list[0]));
}

result<const sample*> sample_of(const value& v) {
  const auto* s = v.as<sample_ptr>().get();
  if (s == nullptr)
    return error(std::string(null_pointer));
  return s;
}

result<value> label(call_context&, arguments args) {
  TROUPE_ASSIGN(const sample* s, sample_of(args[1]));
  return value::of(std::string(s->metric.get(args[0].text())));
}

result<value> value_(call_context&, arguments args) {
  TROUPE_ASSIGN(const sample* s, sample_of(args[0]));
  return s->number;
}

result<value> strvalue(call_context&, arguments args) {
  TROUPE_ASSIGN(const sample* s, sample_of(args[0]));
  return value::of(std::string(s->metric.get("__value__")));
}

result<value> args(call_context& c, arguments args) {
  auto m = std::make_shared<value_map>();
  TROUPE_TRY(c.work.charge(args.size() * sizeof(value)));
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].is(type::map))
      m->nesting = std::max(m->nesting, args[i].as<map_ptr>()->nesting + 1);
    m->entries.emplace("arg" + std::to_string(i), args[i]);
  }
  if (m->nesting > max_map_nesting)
    return status(errc::resource_exhausted,
                  "more than " + std::to_string(max_map_nesting) + " maps inside of each other");
  return value(value::storage(map_ptr(std::move(m))));
}

result<value> re_replace_all(call_context& c, arguments args) {
  const auto pattern = args[0].text();
  const auto re = search_regex::compile(pattern);
  if (!re.ok()) {
    std::string text = "regexp: Compile(";
    append_quoted_text(text, pattern, verb_flags{.sharp = true});
    return error(text.append("): ").append(re.error().message()));
  }
  TROUPE_TRY(c.work.charge(args[2].text().size()));
  TROUPE_ASSIGN(auto out, re->replace_all(args[2].text(), args[1].text(), c.work.bytes_left()));
  return made(c, std::move(out));
}

result<value> match(call_context& c, arguments args) {
  const auto re = search_regex::compile(args[0].text());
  if (!re.ok())
    return error(std::string(re.error().message()));
  TROUPE_TRY(c.work.charge(args[1].text().size()));
  return value::of(re->found_in(args[1].text()));
}

result<value> safe_html(call_context&, arguments args) {
  return value(value::storage(html_text{args[0].as<shared_text>().bytes}));
}

result<value> title(call_context& c, arguments args) {
  return made(c, title_case(args[0].text()));
}

result<value> to_upper(call_context& c, arguments args) {
  return made(c, relabel::to_upper(args[0].text()));
}

result<value> to_lower(call_context& c, arguments args) {
  return made(c, relabel::to_lower(args[0].text()));
}

result<value> graph_link(call_context& c, arguments args) {
  return made(c, "/graph?g0.expr=" + query_escaped(args[0].text()) + "&g0.tab=0");
}

result<value> table_link(call_context& c, arguments args) {
  return made(c, "/graph?g0.expr=" + query_escaped(args[0].text()) + "&g0.tab=1");
}

result<value> url_query_escape(call_context& c, arguments args) {
  return made(c, query_escaped(args[0].text()));
}

result<value> sort_by_label(call_context& c, arguments args) {
  const auto& list = args[1].as<sample_list>();
  TROUPE_TRY(c.work.charge(list.size() * sizeof(sample_ptr)));
  std::vector<sample_ptr> sorted;
  for (size_t i = 0; i < list.size(); ++i)
    sorted.push_back(list[i]);
  const auto name = args[0].text();
  std::stable_sort(sorted.begin(), sorted.end(), [&](const sample_ptr& a, const sample_ptr& b) {
    return a->metric.get(name) < b->metric.get(name);
  });
  return value::of(std::move(sorted));
}

result<value> strip_port(call_context& c, arguments args) {
  return made(c, without_port(args[0].text()));
}

result<value> strip_domain(call_context& c, arguments args) {
  return made(c, without_domain(args[0].text()));
}

result<value> path_prefix(call_context& c, arguments) {
  return value::of(c.env.path_prefix);
}

result<value> external_url(call_context& c, arguments) {
  return value::of(c.env.external_url);
}

}  // namespace

std::span<const function> prometheus_functions() {
  using enum param;
  static const std::vector<function> all{
      {"query", {text}, false, query_},
      {"first", {samples}, false, first},
      {"label", {text, sample}, false, label},
      {"value", {sample}, false, value_},
      {"strvalue", {sample}, false, strvalue},
      {"args", {any}, true, args},
      {"reReplaceAll", {text, text, text}, false, re_replace_all},
      {"safeHtml", {text}, false, safe_html},
      {"match", {text, text}, false, match},
      {"title", {text}, false, title},
      {"toUpper", {text}, false, to_upper},
      {"toLower", {text}, false, to_lower},
      {"graphLink", {text}, false, graph_link},
      {"tableLink", {text}, false, table_link},
      {"sortByLabel", {text, samples}, false, sort_by_label},
      {"stripPort", {text}, false, strip_port},
      {"stripDomain", {text}, false, strip_domain},
      {"humanize", {any}, false, humanized<humanize>},
      {"humanize1024", {any}, false, humanized<humanize1024>},
      {"humanizeDuration", {any}, false, humanized<humanize_duration>},
      {"humanizePercentage", {any}, false, humanized<humanize_percentage>},
      {"humanizeTimestamp", {any}, false, humanize_timestamp},
      {"toTime", {any}, false, to_time},
      {"toDuration", {any}, false, to_duration},
      {"parseDuration", {text}, false, parse_duration_text},
      {"now", {}, false, now},
      {"pathPrefix", {}, false, path_prefix},
      {"externalURL", {}, false, external_url},
      {"urlQueryEscape", {text}, false, url_query_escape},
  };
  return all;
}

}  // namespace troupe::templates
