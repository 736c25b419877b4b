#include "pipeline/template/parser.h"

#include "pipeline/template/functions.h"
#include "pipeline/template/lexer.h"
#include "pipeline/template/number.h"
#include "query/parser/lexer.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::templates {
namespace {

using kind = token::type;
using type = node::type;

node_ptr make(type t, size_t pos) {
  auto n = std::make_unique<node>();
  n->kind = t;
  n->pos = pos;
  return n;
}

std::vector<std::string> split_fields(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= text.size();) {
    const auto dot = std::min(text.find('.', at), text.size());
    out.emplace_back(text.substr(at, dot - at));
    at = dot + 1;
  }
  return out;
}

bool starts_operand(kind k) {
  switch (k) {
    case kind::boolean:
    case kind::character:
    case kind::complex_number:
    case kind::dot:
    case kind::field:
    case kind::identifier:
    case kind::number:
    case kind::nil_word:
    case kind::raw_string:
    case kind::string:
    case kind::variable:
    case kind::left_paren:
      return true;
    default:
      return false;
  }
}

class parser {
 public:
  parser(std::string_view name, std::string_view text)
      : name_(name), lexer_(text), variables_{"$"} {}

  result<tree_set> run();

 private:
  // Variables and ranges of one template; a definition has its own.
  struct scope {
    std::vector<std::string> variables;
    int range_depth = 0;
  };
  scope enter_definition() {
    return {std::exchange(variables_, {"$"}), std::exchange(range_depth_, 0)};
  }
  void leave_definition(scope outer) {
    variables_ = std::move(outer.variables);
    range_depth_ = outer.range_depth;
  }

  // Three tokens of lookahead, kept as Go's parser does: messages name the line of tokens_[0].
  const token& next() {
    if (peeked_ > 0)
      --peeked_;
    else
      tokens_[0] = lexer_.next();
    return tokens_[peeked_];
  }
  void back() { ++peeked_; }
  void back2(token t) {
    tokens_[1] = std::move(t);
    peeked_ = 2;
  }
  void back3(token t2, token t1) {
    tokens_[1] = std::move(t1);
    tokens_[2] = std::move(t2);
    peeked_ = 3;
  }
  const token& peek() {
    if (peeked_ > 0)
      return tokens_[peeked_ - 1];
    peeked_ = 1;
    tokens_[0] = lexer_.next();
    return tokens_[0];
  }
  const token& next_non_space() {
    for (;;) {
      const auto& t = next();
      if (!t.is(kind::space))
        return t;
    }
  }
  const token& peek_non_space() {
    const auto& t = next_non_space();
    back();
    return t;
  }

  status fail(std::string_view what, errc code = errc::invalid_argument) const {
    return {code, "template: " + std::string(name_) + ":" + std::to_string(tokens_[0].line) + ": " +
                      std::string(what)};
  }
  status unexpected(const token& t, std::string_view context) const;
  result<token> expect(kind k, std::string_view context) {
    token t = next_non_space();
    if (!t.is(k))
      return unexpected(t, context);
    return t;
  }
  status add(const std::string& name, node_ptr root);

  status parse_definition();
  status define_body(const std::string& name, std::string_view context);
  /// Fills `list` until {{end}} or {{else}}, which is returned.
  result<node_ptr> item_list(node_ptr& list);
  result<node_ptr> text_or_action();
  result<node_ptr> action();
  result<node_ptr> jump(type t, std::string_view word);
  result<node_ptr> control(type t, std::string_view context);
  result<node_ptr> else_clause();
  result<node_ptr> block();
  result<node_ptr> template_call();
  result<std::string> template_name(const token& t, std::string_view context);
  result<std::string> unquoted(const token& t);
  result<node_ptr> pipeline(std::string_view context, kind end);
  status declarations(node& pipe, std::string_view context);
  status check_pipeline(const node& pipe, std::string_view context) const;
  result<node_ptr> command();
  result<node_ptr> operand();
  result<node_ptr> term();
  result<node_ptr> constant(const token& t);
  status enter() {
    if (++nesting_ > max_nesting)
      return fail("max expression depth exceeded", errc::resource_exhausted);
    return ok_status();
  }

  std::string_view name_;
  lexer lexer_;
  std::array<token, 3> tokens_;
  size_t peeked_ = 0;
  std::vector<std::string> variables_;
  int range_depth_ = 0;
  int nesting_ = 0;
  int action_line_ = 0;
  tree_set trees_;
};

status parser::unexpected(const token& t, std::string_view context) const {
  if (!t.is(kind::error))
    return fail("unexpected " + to_string(t) + " in " + std::string(context));
  std::string extra;
  if (action_line_ != 0 && action_line_ != t.line) {
    const bool is_action = t.text.ends_with(" action");
    extra = std::string(is_action ? "" : " in action") + " started at " + std::string(name_) + ":" +
            std::to_string(action_line_);
  }
  return fail(t.text + extra);
}

status parser::add(const std::string& name, node_ptr root) {
  auto& held = trees_[name];
  if (held == nullptr || is_empty_tree(*held))
    held = std::move(root);
  else if (!is_empty_tree(*root))
    return fail("template: multiple definition of template " + quoted(name));
  return ok_status();
}

result<tree_set> parser::run() {
  auto root = make(type::list, peek().pos);
  while (!peek().is(kind::eof)) {
    if (peek().is(kind::left_delimiter)) {
      token delimiter = next();
      if (next_non_space().is(kind::define_word)) {
        TROUPE_TRY(parse_definition());
        continue;
      }
      back2(std::move(delimiter));
    }
    TROUPE_ASSIGN(auto n, text_or_action());
    if (n->is(type::end_clause) || n->is(type::else_clause))
      return fail("unexpected " + to_string(*n));
    root->items.push_back(std::move(n));
  }
  TROUPE_TRY(add(std::string(name_), std::move(root)));
  return std::move(trees_);
}

status parser::parse_definition() {
  constexpr std::string_view context = "define clause";
  const token t = next_non_space();
  if (!t.is(kind::string) && !t.is(kind::raw_string))
    return unexpected(t, context);
  TROUPE_ASSIGN(const auto name, unquoted(t));
  if (const auto closed = expect(kind::right_delimiter, context); !closed.ok())
    return closed.error();
  return define_body(name, context);
}

status parser::define_body(const std::string& name, std::string_view context) {
  TROUPE_TRY(enter());
  auto outer = enter_definition();
  node_ptr list;
  TROUPE_ASSIGN(const auto end, item_list(list));
  if (!end->is(type::end_clause))
    return fail("unexpected " + to_string(*end) + " in " + std::string(context));
  leave_definition(std::move(outer));
  --nesting_;
  return add(name, std::move(list));
}

result<node_ptr> parser::item_list(node_ptr& list) {
  list = make(type::list, peek_non_space().pos);
  while (!peek_non_space().is(kind::eof)) {
    TROUPE_ASSIGN(auto n, text_or_action());
    if (n->is(type::end_clause) || n->is(type::else_clause))
      return n;
    list->items.push_back(std::move(n));
  }
  return fail("unexpected EOF");
}

result<node_ptr> parser::text_or_action() {
  const token t = next_non_space();
  if (t.is(kind::text)) {
    auto n = make(type::text, t.pos);
    n->text = t.text;
    return n;
  }
  if (!t.is(kind::left_delimiter))
    return unexpected(t, "input");
  action_line_ = t.line;
  auto n = action();
  action_line_ = 0;
  return n;
}

result<node_ptr> parser::action() {
  switch (next_non_space().kind) {
    case kind::block_word:
      return block();
    case kind::break_word:
      return jump(type::break_control, "{{break}}");
    case kind::continue_word:
      return jump(type::continue_control, "{{continue}}");
    case kind::else_word:
      return else_clause();
    case kind::end_word: {
      TROUPE_ASSIGN(const auto t, expect(kind::right_delimiter, "end"));
      return make(type::end_clause, t.pos);
    }
    case kind::if_word:
      return control(type::if_control, "if");
    case kind::range_word:
      return control(type::range_control, "range");
    case kind::template_word:
      return template_call();
    case kind::with_word:
      return control(type::with_control, "with");
    default:
      break;
  }
  back();
  auto n = make(type::action, peek().pos);
  TROUPE_ASSIGN(n->pipe, pipeline("command", kind::right_delimiter));
  return n;
}

result<node_ptr> parser::jump(type t, std::string_view word) {
  const size_t pos = tokens_[peeked_].pos;
  if (const auto& closed = next_non_space(); !closed.is(kind::right_delimiter))
    return unexpected(closed, word);
  if (range_depth_ == 0)
    return fail(std::string(word) + " outside {{range}}");
  return make(t, pos);
}

result<node_ptr> parser::control(type t, std::string_view context) {
  TROUPE_TRY(enter());
  const size_t outer_variables = variables_.size();
  auto n = make(t, 0);
  TROUPE_ASSIGN(n->pipe, pipeline(context, kind::right_delimiter));
  n->pos = n->pipe->pos;
  range_depth_ += t == type::range_control ? 1 : 0;
  TROUPE_ASSIGN(auto next_clause, item_list(n->list));
  range_depth_ -= t == type::range_control ? 1 : 0;
  if (next_clause->is(type::else_clause)) {
    const bool chained = (t == type::if_control && peek().is(kind::if_word)) ||
                         (t == type::with_control && peek().is(kind::with_word));
    if (chained) {
      next();
      n->else_list = make(type::list, next_clause->pos);
      TROUPE_ASSIGN(auto inner, control(t, context));
      n->else_list->items.push_back(std::move(inner));
    } else {
      TROUPE_ASSIGN(const auto end, item_list(n->else_list));
      if (!end->is(type::end_clause))
        return fail("expected end; found " + to_string(*end));
    }
  }
  variables_.resize(outer_variables);
  --nesting_;
  return n;
}

result<node_ptr> parser::else_clause() {
  const auto& peeked = peek_non_space();
  if (peeked.is(kind::if_word) || peeked.is(kind::with_word))
    return make(type::else_clause, peeked.pos);
  TROUPE_ASSIGN(const auto t, expect(kind::right_delimiter, "else"));
  return make(type::else_clause, t.pos);
}

result<node_ptr> parser::block() {
  constexpr std::string_view context = "block clause";
  const token t = next_non_space();
  auto n = make(type::template_call, t.pos);
  TROUPE_ASSIGN(n->text, template_name(t, context));
  TROUPE_ASSIGN(n->pipe, pipeline(context, kind::right_delimiter));
  TROUPE_TRY(define_body(n->text, context));
  return n;
}

result<node_ptr> parser::template_call() {
  constexpr std::string_view context = "template clause";
  const token t = next_non_space();
  auto n = make(type::template_call, t.pos);
  TROUPE_ASSIGN(n->text, template_name(t, context));
  if (!next_non_space().is(kind::right_delimiter)) {
    back();
    TROUPE_ASSIGN(n->pipe, pipeline(context, kind::right_delimiter));
  }
  return n;
}

result<std::string> parser::template_name(const token& t, std::string_view context) {
  if (!t.is(kind::string) && !t.is(kind::raw_string))
    return unexpected(t, context);
  return unquoted(t);
}

result<std::string> parser::unquoted(const token& t) {
  std::string out;
  if (!query::unquote(t.text, out))
    return fail("invalid syntax");
  return out;
}

// "$x :=", "$x =", "$i, $x :=".
status parser::declarations(node& pipe, std::string_view context) {
  while (peek_non_space().is(kind::variable)) {
    const token v = next();
    const token after = peek();
    const token following = peek_non_space();
    const bool comma = following.is(kind::comma_or_other) && following.text == ",";
    if (!comma && !following.is(kind::assign) && !following.is(kind::declare)) {
      if (after.is(kind::space))
        back3(v, after);
      else
        back2(v);
      return ok_status();
    }
    next_non_space();
    pipe.names.push_back(v.text);
    variables_.push_back(v.text);
    if (!comma) {
      pipe.assigns = following.is(kind::assign);
      return ok_status();
    }
    if (context != "range" || pipe.names.size() > 1)
      return fail("too many declarations in " + std::string(context));
    const auto& third = peek_non_space();
    if (!third.is(kind::variable) && !third.is(kind::right_delimiter) &&
        !third.is(kind::right_paren))
      return fail("range can only initialize variables");
  }
  return ok_status();
}

result<node_ptr> parser::pipeline(std::string_view context, kind end) {
  auto pipe = make(type::pipe, peek_non_space().pos);
  TROUPE_TRY(declarations(*pipe, context));
  for (;;) {
    const token t = next_non_space();
    if (t.is(end)) {
      TROUPE_TRY(check_pipeline(*pipe, context));
      return pipe;
    }
    if (!starts_operand(t.kind))
      return unexpected(t, context);
    back();
    TROUPE_ASSIGN(auto c, command());
    pipe->items.push_back(std::move(c));
  }
}

status parser::check_pipeline(const node& pipe, std::string_view context) const {
  if (pipe.items.empty())
    return fail("missing value for " + std::string(context));
  for (size_t i = 1; i < pipe.items.size(); ++i) {
    const auto& first = *pipe.items[i]->items[0];
    if (first.is(type::constant) || first.is(type::dot) || first.is(type::nil))
      return fail("non executable command in pipeline stage " + std::to_string(i + 1));
  }
  return ok_status();
}

result<node_ptr> parser::command() {
  auto n = make(type::command, peek_non_space().pos);
  for (;;) {
    peek_non_space();
    TROUPE_ASSIGN(auto o, operand());
    if (o)
      n->items.push_back(std::move(o));
    const auto& t = next();
    if (t.is(kind::space))
      continue;
    if (t.is(kind::right_delimiter) || t.is(kind::right_paren))
      back();
    else if (!t.is(kind::pipe))
      return unexpected(t, "operand");
    break;
  }
  if (n->items.empty())
    return fail("empty command");
  return n;
}

// Null: no term starts here.
result<node_ptr> parser::operand() {
  TROUPE_ASSIGN(auto n, term());
  if (!n || !peek().is(kind::field))
    return n;
  const size_t pos = peek().pos;
  std::vector<std::string> fields;
  while (peek().is(kind::field))
    fields.push_back(next().text.substr(1));
  switch (n->kind) {
    case type::field:
    case type::variable:
      n->pos = pos;
      n->names.insert(n->names.end(), fields.begin(), fields.end());
      return n;
    case type::constant:
    case type::nil:
    case type::dot:
      return fail("unexpected . after term " + quoted(to_string(*n)));
    default:
      break;
  }
  auto chain = make(type::chain, pos);
  chain->names = std::move(fields);
  chain->items.push_back(std::move(n));
  return chain;
}

result<node_ptr> parser::term() {
  const token t = next_non_space();
  switch (t.kind) {
    case kind::identifier: {
      if (find_function(t.text) == nullptr)
        return fail("function " + quoted(t.text) + " not defined");
      auto n = make(type::identifier, t.pos);
      n->text = t.text;
      return n;
    }
    case kind::dot:
      return make(type::dot, t.pos);
    case kind::nil_word:
      return make(type::nil, t.pos);
    case kind::variable: {
      auto n = make(type::variable, t.pos);
      n->names = split_fields(t.text);
      if (std::find(variables_.begin(), variables_.end(), n->names[0]) == variables_.end())
        return fail("undefined variable " + quoted(n->names[0]));
      return n;
    }
    case kind::field: {
      auto n = make(type::field, t.pos);
      n->names = split_fields(std::string_view(t.text).substr(1));
      return n;
    }
    case kind::left_paren: {
      TROUPE_TRY(enter());
      auto n = pipeline("parenthesized pipeline", kind::right_paren);
      --nesting_;
      return n;
    }
    case kind::boolean:
    case kind::character:
    case kind::complex_number:
    case kind::number:
    case kind::string:
    case kind::raw_string:
      return constant(t);
    default:
      back();
      return node_ptr();
  }
}

result<node_ptr> parser::constant(const token& t) {
  auto n = make(type::constant, t.pos);
  n->text = t.text;
  if (t.is(kind::boolean)) {
    n->literal = value::of(t.text == "true");
    return n;
  }
  if (t.is(kind::string) || t.is(kind::raw_string)) {
    TROUPE_ASSIGN(auto text, unquoted(t));
    n->literal = value::of(std::move(text));
    return n;
  }
  const auto number = t.is(kind::character) ? parse_character(t.text) : parse_constant(t.text);
  if (!number.ok())
    return fail(number.error().message());
  n->overflows = number->kind == number_constant::type::too_large;
  n->literal = number->kind == number_constant::type::floating ? value::of(number->floating)
                                                               : value::of(number->integer);
  return n;
}

}  // namespace

result<tree_set> parse_trees(std::string_view name, std::string_view text) {
  if (text.size() > max_template_bytes)
    return {errc::resource_exhausted, "template: " + std::string(name) +
                                          ": template is longer than " +
                                          std::to_string(max_template_bytes) + " bytes"};
  return parser(name, text).run();
}

}  // namespace troupe::templates
