#include "query/parser/number_text.h"
#include "query/parser/parse_state.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <cmath>

namespace troupe::query {
namespace {

constexpr std::string_view range_context =
    "subquery or range selector, expected number, duration, step(), or range()";
constexpr std::string_view step_context =
    "subquery selector, expected number, duration, step(), range(), or \"]\"";
constexpr double max_int64 = 9223372036854775808.0;

// Go's %f.
std::string six_decimals(double v) {
  if (!std::isfinite(v))
    return fixed(v);
  std::string out(330, '\0');
  out.resize(static_cast<size_t>(std::snprintf(out.data(), out.size(), "%f", v)));
  return out;
}

}  // namespace

std::unique_ptr<vector_selector> parse_state::selector() {
  auto v = std::make_unique<vector_selector>();
  const auto start = peek().pos;
  if (!next_is(token_kind::left_brace))
    v->name = take().text;
  if (next_is(token_kind::left_brace) && !label_matchers(*v))
    return nullptr;
  if (!v->name.empty())
    v->match.push_back(matcher::equal(std::string(metric_name_label), v->name));
  return add_node(*v, start, last_end()) ? std::move(v) : nullptr;
}

bool parse_state::label_matchers(vector_selector& v) {
  take();
  while (!accept(token_kind::right_brace)) {
    if (!label_matcher(v))
      return false;
    if (next_is(token_kind::right_brace))
      continue;
    if (!accept(token_kind::comma)) {
      unexpected("label matching", "\",\" or \"}\"");
      return false;
    }
  }
  return true;
}

bool parse_state::label_matcher(vector_selector& v) {
  using enum token_kind;
  constexpr std::string_view context = "label matching";
  const auto name = peek();
  if (name.kind != identifier && name.kind != token_kind::string) {
    unexpected(context, "identifier or \"}\"");
    return false;
  }
  take();
  std::string label(name.text);
  if (name.kind == token_kind::string && !string_value(name, label))
    return false;
  match_op op = match_op::equal;
  switch (peek().kind) {
    case equal:
      break;
    case neq:
      op = match_op::not_equal;
      break;
    case equal_regex:
      op = match_op::regex;
      break;
    case not_equal_regex:
      op = match_op::not_regex;
      break;
    default:
      if (name.kind == token_kind::string) {
        // `{"name"}` stands for the metric name.
        v.match.push_back(matcher::equal(std::string(metric_name_label), std::move(label)));
        return true;
      }
      unexpected(context, "label matching operator");
      return false;
  }
  take();
  if (!next_is(token_kind::string)) {
    unexpected(context, "string");
    return false;
  }
  std::string value;
  if (!string_value(take(), value))
    return false;
  auto m = matcher::make(op, std::move(label), std::move(value));
  if (!m.ok()) {
    fail(name.pos, std::string(m.error().message()));
    return false;
  }
  v.match.push_back(std::move(*m));
  return true;
}

bool parse_state::string_value(const token& t, std::string& out) {
  if (unquote(t.text, out))
    return true;
  fail(t.pos, "error unquoting string " + quoted(t.text) + ": invalid syntax");
  return false;
}

bool parse_state::number_value(const token& t, double& out) {
  if (t.kind == token_kind::duration) {
    const auto ms = parse_duration(t.text);
    if (!ms.ok()) {
      fail(t.pos, std::string(ms.error().message()));
      return false;
    }
    out = static_cast<double>(*ms) / 1000;
    return true;
  }
  const auto n = parse_number(t.text);
  if (!n.ok()) {
    fail(t.pos, "error parsing number: " + std::string(n.error().message()));
    return false;
  }
  out = *n;
  return true;
}

// Everything that may stand behind an operand: ranges, offset, @, anchored, smoothed.
expr_ptr parse_state::modifiers(expr_ptr e) {
  while (!failed_) {
    switch (peek().kind) {
      case token_kind::left_bracket:
        e = range_or_subquery(std::move(e));
        break;
      case token_kind::offset:
        offset_modifier(*e);
        break;
      case token_kind::at:
        at_modifier(*e);
        break;
      case token_kind::anchored:
      case token_kind::smoothed:
        extended_modifier(*e, next_is(token_kind::smoothed));
        break;
      default:
        return e;
    }
  }
  return nullptr;
}

expr_ptr parse_state::range_or_subquery(expr_ptr e) {
  const auto open = take();
  int64_t range_ms = 0;
  auto range = folded_duration(positive_duration(range_context), false, range_ms);
  if (failed_)
    return nullptr;
  if (accept(token_kind::right_bracket)) {
    if (e->kind != node_kind::vector_selector)
      fail(open.pos, "ranges only allowed for vector selectors");
    else if (const auto& shift = as<vector_selector>(*e).shift;
             shift.offset_ms != 0 || shift.offset_expr)
      fail(open.pos, "no offset modifiers allowed before range");
    else if (shift.at)
      fail(open.pos, "no @ modifiers allowed before range");
    if (failed_)
      return nullptr;
    auto m = std::make_unique<matrix_selector>();
    m->range_ms = range_ms;
    m->range_expr = std::move(range);
    m->selector = std::move(e);
    if (!above(*m, m->selector.get()) || !above(*m, m->range_expr.get()) ||
        !add_node(*m, m->selector->pos.start, last_end()))
      return nullptr;
    return m;
  }
  if (!accept(token_kind::colon)) {
    unexpected("subquery or range", "\":\" or \"]\"");
    return nullptr;
  }
  auto s = std::make_unique<subquery_expr>();
  s->range_ms = range_ms;
  s->range_expr = std::move(range);
  if (!accept(token_kind::right_bracket)) {
    s->step_expr = folded_duration(positive_duration(step_context), false, s->step_ms);
    if (failed_)
      return nullptr;
    if (!accept(token_kind::right_bracket)) {
      unexpected("subquery selector", "\"]\"");
      return nullptr;
    }
  }
  s->inner = std::move(e);
  if (!above(*s, s->inner.get()) || !above(*s, s->range_expr.get()) ||
      !above(*s, s->step_expr.get()) || !add_node(*s, s->inner->pos.start, last_end()))
    return nullptr;
  return s;
}

// Where offset and @ of `e` live; null with an error for what can have neither.
time_shift* parse_state::shift_of(expr& e, std::string_view what) {
  switch (e.kind) {
    case node_kind::vector_selector:
      return &as<vector_selector>(e).shift;
    case node_kind::matrix_selector:
      return &as<matrix_selector>(e).vector().shift;
    case node_kind::subquery:
      return &as<subquery_expr>(e).shift;
    default:
      fail(e.pos.start, std::string(what) +
                            " modifier must be preceded by an instant vector selector or range "
                            "vector selector or a subquery");
      return nullptr;
  }
}

bool parse_state::offset_modifier(expr& e) {
  take();
  int64_t ms = 0;
  auto d = folded_duration(offset_duration(), true, ms);
  if (failed_)
    return false;
  auto* shift = shift_of(e, "offset");
  if (shift == nullptr)
    return false;
  if (shift->offset_ms != 0 || shift->offset_expr) {
    fail(e.pos.start, "offset may not be set multiple times");
    return false;
  }
  shift->offset_ms = ms;
  shift->offset_expr = std::move(d);
  e.pos.end = last_end();
  return above(e, shift->offset_expr.get());
}

bool parse_state::at_modifier(expr& e) {
  using enum token_kind;
  take();
  std::optional<timestamp_ms> when;
  auto edge = at_preprocessor::none;
  if (next_is(start) || next_is(end)) {
    edge = next_is(start) ? at_preprocessor::start : at_preprocessor::end;
    take();
    if (!accept(left_paren) || !accept(right_paren)) {
      unexpected("@", "timestamp");
      return false;
    }
  } else {
    const bool negate = next_is(sub);
    if (negate || next_is(add))
      take();
    if (!next_is(token_kind::number) && !next_is(token_kind::duration)) {
      unexpected("@", "timestamp");
      return false;
    }
    double seconds = 0;
    if (!number_value(take(), seconds))
      return false;
    seconds = negate ? -seconds : seconds;
    const double ms = std::round(seconds * 1000);
    if (!(std::fabs(ms) < max_int64)) {
      fail(e.pos.start, "timestamp out of bounds for @ modifier: " + six_decimals(seconds));
      return false;
    }
    when = static_cast<timestamp_ms>(ms);
  }
  auto* shift = shift_of(e, "@");
  if (shift == nullptr)
    return false;
  if (shift->at || shift->at_edge != at_preprocessor::none) {
    fail(e.pos.start, "@ <timestamp> may not be set multiple times");
    return false;
  }
  shift->at = when;
  shift->at_edge = edge;
  e.pos.end = last_end();
  return true;
}

bool parse_state::extended_modifier(expr& e, bool smoothed) {
  take();
  const std::string name = smoothed ? "smoothed" : "anchored";
  if (!options_.enable_extended_range_selectors) {
    fail(e.pos.start, name + " modifier is experimental and not enabled");
    return false;
  }
  if (e.kind == node_kind::subquery) {
    fail(e.pos.start, name + " modifier is not supported for subqueries");
    return false;
  }
  if (e.kind != node_kind::vector_selector && e.kind != node_kind::matrix_selector) {
    fail(e.pos.start, name + " modifier not implemented");
    return false;
  }
  auto& v = e.kind == node_kind::matrix_selector ? as<matrix_selector>(e).vector()
                                                 : as<vector_selector>(e);
  (smoothed ? v.smoothed : v.anchored) = true;
  if (v.smoothed && v.anchored) {
    fail(e.pos.start, "anchored and smoothed modifiers cannot be used together");
    return false;
  }
  e.pos.end = last_end();
  return true;
}

}  // namespace troupe::query
