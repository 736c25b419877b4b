#include "query/parser/printer.h"

#include "query/parser/number_text.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>

namespace troupe::query {
namespace {

constexpr size_t max_line = 100;

bool is_plain_label(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

void append_labels(std::string& out, const std::vector<std::string>& names) {
  out += '(';
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0)
      out += ", ";
    if (is_plain_label(names[i]))
      out += names[i];
    else
      append_quoted(out, names[i]);
  }
  out += ')';
}

bool same_value(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

// What stands behind a binary operator: " bool on (a) group_left (b) fill (0)".
std::string operator_suffix(const binary_expr& e) {
  std::string out;
  if (e.return_bool)
    out += " bool";
  if (!e.matching)
    return out;
  const auto& m = *e.matching;
  const bool grouped = m.card == vector_card::many_to_one || m.card == vector_card::one_to_many;
  if (!m.labels.empty() || m.on || grouped) {
    out += m.on ? " on " : " ignoring ";
    append_labels(out, m.labels);
  }
  if (grouped) {
    out += m.card == vector_card::many_to_one ? " group_left " : " group_right ";
    append_labels(out, m.include);
  }
  if (m.fill_left && m.fill_right && same_value(*m.fill_left, *m.fill_right)) {
    out += " fill (" + shortest(*m.fill_left) + ")";
    return out;
  }
  if (m.fill_left)
    out += " fill_left (" + shortest(*m.fill_left) + ")";
  if (m.fill_right)
    out += " fill_right (" + shortest(*m.fill_right) + ")";
  return out;
}

// "sum by (a) " or "sum".
std::string aggregation_head(const aggregate_expr& e) {
  std::string out(to_string(e.op));
  if (e.without || !e.grouping.empty()) {
    out += e.without ? " without " : " by ";
    append_labels(out, e.grouping);
    out += ' ';
  }
  return out;
}

void append_at(std::string& out, const time_shift& s) {
  if (s.at) {
    const auto ms = *s.at;
    const uint64_t size = ms < 0 ? 0 - static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
    const auto rest = std::to_string(size % 1000);
    out += ms < 0 ? " @ -" : " @ ";
    out += std::to_string(size / 1000) + "." + std::string(3 - rest.size(), '0') + rest;
  } else if (s.at_edge == at_preprocessor::start) {
    out += " @ start()";
  } else if (s.at_edge == at_preprocessor::end) {
    out += " @ end()";
  }
}

class printer {
 public:
  explicit printer(std::string& out) : out_(out) {}

  void print(const expr& e) {
    switch (e.kind) {
      case node_kind::number:
        return number(as<number_literal>(e));
      case node_kind::string:
        return append_quoted(out_, as<string_literal>(e).value);
      case node_kind::vector_selector: {
        const auto& v = as<vector_selector>(e);
        matchers_of(v);
        append_at(out_, v.shift);
        extended(v);
        return offset(v.shift);
      }
      case node_kind::matrix_selector: {
        const auto& m = as<matrix_selector>(e);
        matchers_of(m.vector());
        out_ += '[';
        duration(m.range_expr, m.range_ms);
        out_ += ']';
        extended(m.vector());
        append_at(out_, m.vector().shift);
        return offset(m.vector().shift);
      }
      case node_kind::subquery: {
        const auto& s = as<subquery_expr>(e);
        print(*s.inner);
        return subquery_suffix(s);
      }
      case node_kind::unary:
        out_ += as<unary_expr>(e).negate ? '-' : '+';
        return print(*as<unary_expr>(e).operand);
      case node_kind::binary: {
        const auto& b = as<binary_expr>(e);
        print(*b.lhs);
        out_.append(" ").append(to_string(b.op)).append(operator_suffix(b)).append(" ");
        return print(*b.rhs);
      }
      case node_kind::aggregate: {
        const auto& a = as<aggregate_expr>(e);
        out_ += aggregation_head(a) + "(";
        if (a.param) {
          print(*a.param);
          out_ += ", ";
        }
        print(*a.operand);
        out_ += ')';
        return;
      }
      case node_kind::call: {
        const auto& c = as<call_expr>(e);
        out_.append(c.func->name).append("(");
        for (size_t i = 0; i < c.args.size(); ++i) {
          if (i > 0)
            out_ += ", ";
          print(*c.args[i]);
        }
        out_ += ')';
        return;
      }
      case node_kind::paren:
        out_ += '(';
        print(*as<paren_expr>(e).inner);
        out_ += ')';
        return;
      case node_kind::duration:
        return duration_tree(as<duration_expr>(e));
    }
  }

  /// `[5m:1m] @ 5.000 offset 1m`
  void subquery_suffix(const subquery_expr& s) {
    out_ += '[';
    duration(s.range_expr, s.range_ms);
    out_ += ':';
    if (s.step_expr || s.step_ms != 0)
      duration(s.step_expr, s.step_ms);
    out_ += ']';
    append_at(out_, s.shift);
    offset(s.shift);
  }

 private:
  void number(const number_literal& n) {
    if (n.duration)
      out_ += format_duration(static_cast<int64_t>(std::round(n.value * 1000)));
    else
      append_fixed(out_, n.value);
  }

  void matchers_of(const vector_selector& v) {
    std::vector<std::string> parts;
    for (const auto& m : v.match)
      if (!(m.name() == metric_name_label && m.op() == match_op::equal && m.value() == v.name &&
            !m.value().empty()))
        parts.push_back(m.to_string());
    std::ranges::sort(parts);
    out_ += v.name;
    if (parts.empty() && !v.name.empty())
      return;
    out_ += '{';
    for (size_t i = 0; i < parts.size(); ++i)
      out_.append(i > 0 ? "," : "").append(parts[i]);
    out_ += '}';
  }

  void extended(const vector_selector& v) {
    if (v.anchored)
      out_ += " anchored";
    else if (v.smoothed)
      out_ += " smoothed";
  }

  void offset(const time_shift& s) {
    if (!s.offset_expr && s.offset_ms == 0)
      return;
    out_ += " offset ";
    duration(s.offset_expr, s.offset_ms);
  }

  void duration(const expr_ptr& tree, int64_t ms) {
    if (tree)
      print(*tree);
    else
      out_ += format_duration(ms);
  }

  void duration_tree(const duration_expr& d) {
    if (d.wrapped)
      out_ += '(';
    switch (d.op) {
      case duration_op::step:
        out_ += "step()";
        break;
      case duration_op::range:
        out_ += "range()";
        break;
      case duration_op::min_of:
      case duration_op::max_of:
        out_ += d.op == duration_op::min_of ? "min_of(" : "max_of(";
        print(*d.lhs);
        out_ += ", ";
        print(*d.rhs);
        out_ += ')';
        break;
      case duration_op::plus:
        print(*d.rhs);
        break;
      case duration_op::minus:
        out_ += '-';
        print(*d.rhs);
        break;
      default:
        print(*d.lhs);
        out_.append(" ").append(1, duration_operator(d.op)).append(" ");
        print(*d.rhs);
    }
    if (d.wrapped)
      out_ += ')';
  }

  static char duration_operator(duration_op op) {
    switch (op) {
      case duration_op::add:
        return '+';
      case duration_op::sub:
        return '-';
      case duration_op::mul:
        return '*';
      case duration_op::div:
        return '/';
      case duration_op::mod:
        return '%';
      default:
        return '^';
    }
  }

  std::string& out_;
};

// Splits what is too long for a line. A node at a level above 0 starts its own line.
class pretty_printer {
 public:
  explicit pretty_printer(std::string& out) : out_(out) {}

  void print(const expr& e, size_t level) {
    const auto line = to_string(e);
    const bool split = line.size() > max_line;
    switch (e.kind) {
      case node_kind::unary:
        indent(level);
        out_ += as<unary_expr>(e).negate ? '-' : '+';
        return trimmed(*as<unary_expr>(e).operand, level);
      case node_kind::subquery:
        if (!split) {
          out_ += line;
          return;
        }
        print(*as<subquery_expr>(e).inner, level);
        return printer(out_).subquery_suffix(as<subquery_expr>(e));
      case node_kind::binary:
        if (split)
          return binary(as<binary_expr>(e), level);
        break;
      case node_kind::aggregate:
        if (split) {
          const auto& a = as<aggregate_expr>(e);
          return brackets(aggregation_head(a), children(a), level);
        }
        break;
      case node_kind::call:
        if (split)
          return brackets(as<call_expr>(e).func->name, children(e), level);
        break;
      case node_kind::paren:
        if (split)
          return brackets({}, children(e), level);
        break;
      default:
        break;
    }
    indent(level);
    out_ += line;
  }

 private:
  void indent(size_t level) { out_.append(2 * level, ' '); }

  // The operand without the indent in front of it.
  void trimmed(const expr& e, size_t level) {
    std::string inner;
    pretty_printer(inner).print(e, level);
    out_ += inner.substr(std::min(inner.find_first_not_of(' '), inner.size()));
  }

  void binary(const binary_expr& e, size_t level) {
    print(*e.lhs, level + 1);
    out_ += '\n';
    indent(level);
    out_.append(to_string(e.op)).append(operator_suffix(e)).append("\n");
    print(*e.rhs, level + 1);
  }

  void brackets(std::string_view head, const std::vector<const expr*>& parts, size_t level) {
    indent(level);
    out_.append(head).append("(\n");
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0)
        out_ += ",\n";
      print(*parts[i], level + 1);
    }
    out_ += '\n';
    indent(level);
    out_ += ')';
  }

  std::string& out_;
};

}  // namespace

std::string to_string(const expr& e) {
  std::string out;
  printer(out).print(e);
  return out;
}

std::string prettify(const expr& e) {
  std::string out;
  pretty_printer(out).print(e, 0);
  return out;
}

}  // namespace troupe::query
