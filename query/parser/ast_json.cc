#include "query/parser/number_text.h"
#include "query/parser/printer.h"
#include "query/parser/rune.h"

#include <cmath>

namespace troupe::query {
namespace {

// Objects are written by hand with their keys in alphabetical order, as Go writes maps.
class json_writer {
 public:
  explicit json_writer(std::string& out) : out_(out) {}

  void node(const expr& e) {
    switch (e.kind) {
      case node_kind::number:
        out_ += R"({"type":"numberLiteral","val":")" + fixed(as<number_literal>(e).value) + "\"}";
        return;
      case node_kind::string:
        out_ += R"({"type":"stringLiteral","val":)";
        text(as<string_literal>(e).value);
        out_ += '}';
        return;
      case node_kind::vector_selector:
        return selector(as<vector_selector>(e), nullptr);
      case node_kind::matrix_selector:
        return selector(as<matrix_selector>(e).vector(), &as<matrix_selector>(e));
      case node_kind::subquery:
        return subquery(as<subquery_expr>(e));
      case node_kind::unary:
        out_ += R"({"expr":)";
        node(*as<unary_expr>(e).operand);
        out_ += as<unary_expr>(e).negate ? R"(,"op":"-","type":"unaryExpr"})"
                                         : R"(,"op":"+","type":"unaryExpr"})";
        return;
      case node_kind::binary:
        return binary(as<binary_expr>(e));
      case node_kind::aggregate:
        return aggregate(as<aggregate_expr>(e));
      case node_kind::call:
        return call(as<call_expr>(e));
      case node_kind::paren:
        out_ += R"({"expr":)";
        node(*as<paren_expr>(e).inner);
        out_ += R"(,"type":"parenExpr"})";
        return;
      case node_kind::duration:
        break;  // never reached: the selectors do not descend into durations
    }
  }

 private:
  void text(std::string_view s) { append_json_string(out_, s); }
  void boolean(bool b) { out_ += b ? "true" : "false"; }
  void number(int64_t n) { out_ += std::to_string(n); }

  void list(const std::vector<std::string>& items) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0)
        out_ += ',';
      text(items[i]);
    }
    out_ += ']';
  }

  void start_or_end(const time_shift& s) {
    if (s.at_edge == at_preprocessor::none)
      out_ += "null";
    else
      out_ += s.at_edge == at_preprocessor::start ? "\"start\"" : "\"end\"";
  }

  void timestamp(const time_shift& s) {
    if (s.at)
      number(*s.at);
    else
      out_ += "null";
  }

  void selector(const vector_selector& v, const matrix_selector* range) {
    out_ += R"({"anchored":)";
    boolean(v.anchored);
    out_ += R"(,"matchers":[)";
    for (size_t i = 0; i < v.match.size(); ++i) {
      const auto& m = v.match[i];
      out_ += i > 0 ? R"(,{"name":)" : R"({"name":)";
      text(m.name());
      out_.append(R"(,"type":")").append(to_string(m.op())).append(R"(","value":)");
      text(m.value());
      out_ += '}';
    }
    out_ += R"(],"name":)";
    text(v.name);
    out_ += R"(,"offset":)";
    number(v.shift.offset_ms);
    if (range != nullptr) {
      out_ += R"(,"range":)";
      number(range->range_ms);
    }
    out_ += R"(,"smoothed":)";
    boolean(v.smoothed);
    out_ += R"(,"startOrEnd":)";
    start_or_end(v.shift);
    out_ += R"(,"timestamp":)";
    timestamp(v.shift);
    out_ += range != nullptr ? R"(,"type":"matrixSelector"})" : R"(,"type":"vectorSelector"})";
  }

  void subquery(const subquery_expr& s) {
    out_ += R"({"expr":)";
    node(*s.inner);
    out_ += R"(,"offset":)";
    number(s.shift.offset_ms);
    out_ += R"(,"range":)";
    number(s.range_ms);
    out_ += R"(,"startOrEnd":)";
    start_or_end(s.shift);
    out_ += R"(,"step":)";
    number(s.step_ms);
    out_ += R"(,"timestamp":)";
    timestamp(s.shift);
    out_ += R"(,"type":"subquery"})";
  }

  void fill_value(const std::optional<double>& v) {
    if (v && std::isfinite(*v))
      append_shortest(out_, *v);
    else
      out_ += "null";
  }

  void binary(const binary_expr& e) {
    out_ += R"({"bool":)";
    boolean(e.return_bool);
    out_ += R"(,"lhs":)";
    node(*e.lhs);
    out_ += R"(,"matching":)";
    if (e.matching) {
      const auto& m = *e.matching;
      out_.append(R"({"card":")").append(to_string(m.card)).append(R"(","fillValues":{"lhs":)");
      fill_value(m.fill_left);
      out_ += R"(,"rhs":)";
      fill_value(m.fill_right);
      out_ += R"(},"include":)";
      list(m.include);
      out_ += R"(,"labels":)";
      list(m.labels);
      out_ += R"(,"on":)";
      boolean(m.on);
      out_ += '}';
    } else {
      out_ += "null";
    }
    out_.append(R"(,"op":")").append(to_string(e.op)).append(R"(","rhs":)");
    node(*e.rhs);
    out_ += R"(,"type":"binaryExpr"})";
  }

  void aggregate(const aggregate_expr& e) {
    out_ += R"({"expr":)";
    node(*e.operand);
    out_ += R"(,"grouping":)";
    list(e.grouping);
    out_.append(R"(,"op":")").append(to_string(e.op)).append(R"(","param":)");
    if (e.param)
      node(*e.param);
    else
      out_ += "null";
    out_ += R"(,"type":"aggregation","without":)";
    boolean(e.without);
    out_ += '}';
  }

  void call(const call_expr& e) {
    out_ += R"({"args":[)";
    for (size_t i = 0; i < e.args.size(); ++i) {
      if (i > 0)
        out_ += ',';
      node(*e.args[i]);
    }
    out_ += R"(],"func":{"argTypes":[)";
    for (size_t i = 0; i < e.func->arg_types().size(); ++i)
      out_.append(i > 0 ? ",\"" : "\"").append(to_string(e.func->args[i])).append("\"");
    out_.append(R"(],"name":")").append(e.func->name).append(R"(","returnType":")");
    out_.append(to_string(e.func->result)).append(R"(","variadic":)");
    number(e.func->variadic);
    out_ += R"(},"type":"call"})";
  }

  std::string& out_;
};

}  // namespace

void append_json(std::string& out, const expr& e) {
  json_writer(out).node(e);
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  size_t plain = 0;  // start of the run not yet appended
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const auto r = decode_rune(text, i);
    if (c >= 0x80 && !(r.code == rune_error && r.width == 1)) {
      i += r.width;
      continue;
    }
    out += text.substr(plain, i - plain);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c >= 0x80) {
          out += "\\ufffd";
        } else {
          out += "\\u00";
          out += digits[c >> 4];
          out += digits[c & 15];
        }
    }
    plain = ++i;
  }
  out += text.substr(plain);
  out += '"';
}

}  // namespace troupe::query
