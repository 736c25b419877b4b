#include "query/parser/parser.h"

#include "query/parser/parse_state.h"

#include <algorithm>

namespace troupe::query {
namespace {

status resolve_shift(time_shift& shift, double step_s, double range_s) {
  if (!shift.offset_expr)
    return {};
  TROUPE_ASSIGN(const double seconds, evaluate_duration(*shift.offset_expr, step_s, range_s));
  TROUPE_ASSIGN(shift.offset_ms, duration_ms(seconds, true));
  return {};
}

status resolve_positive(const expr_ptr& e, double step_s, double range_s, int64_t& out) {
  if (!e)
    return {};
  TROUPE_ASSIGN(const double seconds, evaluate_duration(*e, step_s, range_s));
  TROUPE_ASSIGN(out, duration_ms(seconds, false));
  return {};
}

status resolve(expr& e, double step_s, double range_s) {
  if (e.kind == node_kind::vector_selector) {
    TROUPE_TRY(resolve_shift(as<vector_selector>(e).shift, step_s, range_s));
  } else if (e.kind == node_kind::matrix_selector) {
    auto& m = as<matrix_selector>(e);
    TROUPE_TRY(resolve_positive(m.range_expr, step_s, range_s, m.range_ms));
  } else if (e.kind == node_kind::subquery) {
    auto& s = as<subquery_expr>(e);
    TROUPE_TRY(resolve_shift(s.shift, step_s, range_s));
    TROUPE_TRY(resolve_positive(s.step_expr, step_s, range_s, s.step_ms));
    TROUPE_TRY(resolve_positive(s.range_expr, step_s, range_s, s.range_ms));
  }
  for (auto* child : children(e))
    TROUPE_TRY(resolve(*child, step_s, range_s));
  return {};
}

}  // namespace

std::string position_text(std::string_view query, uint32_t pos) {
  if (query.empty())
    return "unknown position";
  const auto before = query.substr(0, pos);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(line) + ":" + std::to_string(before.size() - line_start + 1);
}

parse_state::parse_state(std::string_view text, const parse_options& options)
    : text_(text), options_(options) {
  if (text.size() > options.max_query_bytes) {
    list_.tokens.emplace_back();
    fail_limit(0, "query is too long: " + std::to_string(text.size()) + " bytes, the limit is " +
                      std::to_string(options.max_query_bytes));
    return;
  }
  scan(text, list_);
}

parse_state::level::level(parse_state& p) : p_(p) {
  if (++p.depth_ > p.options_.max_depth)
    p.fail_limit(p.peek().pos, "expression is nested too deeply, the limit is " +
                                   std::to_string(p.options_.max_depth) + " levels");
}

token parse_state::take() {
  const auto t = peek();
  if (at_ + 1 < list_.tokens.size())
    ++at_;
  last_end_ = t.end();
  return t;
}

bool parse_state::accept(token_kind k) {
  if (!next_is(k))
    return false;
  take();
  return true;
}

void parse_state::fail(uint32_t pos, std::string message) {
  if (failed_)
    return;
  failed_ = true;
  error_pos_ = pos;
  error_message_ = std::move(message);
}

void parse_state::fail_limit(uint32_t pos, std::string message) {
  if (!failed_)
    error_code_ = errc::resource_exhausted;
  fail(pos, std::move(message));
}

void parse_state::unexpected(std::string_view context, std::string_view expected) {
  const auto& t = peek();
  if (t.kind == token_kind::error)
    return fail(t.pos, std::string(t.text));
  std::string message = "unexpected " + describe(t);
  if (!context.empty())
    message.append(" in ").append(context);
  if (!expected.empty())
    message.append(", expected ").append(expected);
  fail(t.pos, std::move(message));
}

status parse_state::error() const {
  return {error_code_, position_text(text_, error_pos_) + ": parse error: " + error_message_};
}

bool parse_state::add_node(expr& e, uint32_t start, uint32_t end) {
  e.pos = {start, end};
  if (++nodes_ > options_.max_nodes)
    fail_limit(start,
               "expression has too many parts, the limit is " + std::to_string(options_.max_nodes));
  return !failed_;
}

bool parse_state::above(expr& e, const expr* child) {
  if (child != nullptr && e.height <= child->height)
    e.height = static_cast<uint16_t>(child->height + 1);
  if (e.height > options_.max_depth)
    fail_limit(child->pos.start,
               "expression has too many operators in a row or is nested too "
               "deeply, the limit is " +
                   std::to_string(options_.max_depth) + " levels");
  return !failed_;
}

expr_ptr parse_state::whole_expression() {
  if (failed_)
    return nullptr;
  if (next_is(token_kind::eof)) {
    fail(0, "no expression found in input");
    return nullptr;
  }
  auto root = expression(0);
  if (!failed_ && !next_is(token_kind::eof))
    unexpected();
  if (failed_)
    return nullptr;
  uint32_t pos = 0;
  std::string message;
  if (!check_types(*root, text_, pos, message)) {
    fail(pos, std::move(message));
    return nullptr;
  }
  return root;
}

std::unique_ptr<vector_selector> parse_state::whole_selector() {
  if (failed_)
    return nullptr;
  if (!can_name_metric(peek().kind) && !next_is(token_kind::left_brace)) {
    unexpected();
    return nullptr;
  }
  auto v = selector();
  if (!failed_ && !next_is(token_kind::eof))
    unexpected();
  return failed_ ? nullptr : std::move(v);
}

bool parse_state::series_labels(std::vector<std::pair<std::string, std::string>>& out, bool prefix,
                                size_t& consumed) {
  using enum token_kind;
  constexpr std::string_view context = "label set";
  if (failed_)
    return false;
  std::string metric;
  if (can_name_metric(peek().kind))
    metric = take().text;
  // `name {{…}}`: in a prefix, a brace behind a blank belongs to what follows.
  const bool has_braces = !prefix || metric.empty() || peek().pos == last_end();
  if (has_braces && accept(left_brace)) {
    while (!accept(right_brace)) {
      const auto name = peek();
      if (name.kind != identifier && name.kind != token_kind::string) {
        unexpected(context, "identifier or \"}\"");
        return false;
      }
      take();
      std::string label(name.text);
      if (name.kind == token_kind::string && !string_value(name, label))
        return false;
      if (accept(equal)) {
        std::string value;
        if (!next_is(token_kind::string)) {
          unexpected(context, "string");
          return false;
        }
        if (!string_value(take(), value))
          return false;
        out.emplace_back(std::move(label), std::move(value));
      } else if (name.kind == token_kind::string) {
        out.emplace_back(metric_name_label, std::move(label));
      } else {
        unexpected(context, "\"=\"");
        return false;
      }
      if (next_is(right_brace))
        continue;
      if (!accept(comma)) {
        unexpected(context, "\",\" or \"}\"");
        return false;
      }
    }
  }
  if (!metric.empty())
    out.emplace_back(metric_name_label, std::move(metric));
  consumed = last_end();
  return true;
}

result<expr_ptr> parse(std::string_view text, const parse_options& options) {
  parse_state p(text, options);
  auto root = p.whole_expression();
  if (p.failed())
    return p.error();
  return root;
}

result<matchers> parse_metric_selector(std::string_view text) {
  parse_state p(text, {});
  auto v = p.whole_selector();
  if (p.failed())
    return p.error();
  if (std::ranges::all_of(v->match, [](const matcher& m) { return m.matches_empty(); }))
    return {errc::invalid_argument, "match[] must contain at least one non-empty matcher"};
  return std::move(v->match);
}

result<labels> parse_series_labels(std::string_view text, size_t* consumed) {
  parse_state p(text, {});
  std::vector<std::pair<std::string, std::string>> pairs;
  size_t used = 0;
  if (!p.series_labels(pairs, consumed != nullptr, used))
    return p.error();
  if (consumed != nullptr)
    *consumed = used;
  else if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    return {errc::invalid_argument, position_text(text, static_cast<uint32_t>(used)) +
                                        ": parse error: unexpected text after the labels"};
  return labels::from(std::move(pairs));
}

status resolve_durations(expr& root, int64_t step_ms, int64_t range_ms) {
  return resolve(root, static_cast<double>(step_ms) / 1000, static_cast<double>(range_ms) / 1000);
}

}  // namespace troupe::query
