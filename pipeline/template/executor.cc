#include "pipeline/template/executor.h"

#include "pipeline/template/fields.h"
#include "pipeline/template/functions.h"
#include "pipeline/template/go_format.h"
#include "pipeline/template/methods.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace troupe::templates {
namespace {

using type = node::type;
using operands = std::span<const node_ptr>;

enum class flow : uint8_t { next, break_range, continue_range };

// A value piped into a command as its last argument.
using piped = std::optional<value>;

value of_storage(value::storage s) {
  return value(std::move(s));
}

class executor {
 public:
  executor(const tree_set& trees, std::string_view name, std::string_view text, const value& data,
           const environment& env)
      : trees_(trees), whole_name_(name), text_(text), name_(name), env_(env), budget_(env.limits) {
    variables_.push_back({"$", data});
  }

  result<std::string> run(const node& root, const value& data) {
    if (const auto done = walk(data, root); !done.ok())
      return done.error();
    return std::move(out_);
  }

 private:
  struct variable {
    std::string_view name;
    value held;
  };

  // Tracks how deep the recursion is; every evaluated node is one step.
  class level {
   public:
    explicit level(executor& e) : e_(e) { ++e_.depth_; }
    ~level() { --e_.depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;
    status check(const node& n) {
      if (e_.depth_ > e_.env_.limits.depth)
        return e_.limit(
            n, "exceeded maximum template depth (" + std::to_string(e_.env_.limits.depth) + ")");
      if (const auto s = e_.budget_.step(); !s.ok())
        return e_.limit(n, s.message());
      return ok_status();
    }

   private:
    executor& e_;
  };

  status fail(std::string_view message, errc code = errc::execution) const;
  status limit(const node& n, std::string_view message) {
    at(n);
    return fail(message, errc::resource_exhausted);
  }
  void at(const node& n) { current_ = &n; }
  status write(std::string_view text);

  result<flow> walk(const value& dot, const node& n);
  result<flow> walk_if_or_with(const value& dot, const node& n);
  result<flow> walk_range(const value& dot, const node& n);
  result<flow> iterate(const node& n, const value& index, const value& element, size_t mark);
  result<flow> walk_template(const value& dot, const node& n);
  status print(const node& n, const value& v);

  result<value> eval_pipe(const value& dot, const node& n);
  result<value> eval_command(const value& dot, const node& n, const piped& last);
  /// The value of any node that is not a literal, without arguments.
  result<value> eval_operand(const value& dot, const node& n, operands args, const piped& last);
  result<value> eval_constant(const node& n);
  result<value> eval_variable(const value& dot, const node& n, operands args, const piped& last);
  result<value> eval_chain(const value& dot, const node& n, operands args, const piped& last);
  result<value> eval_fields(const value& dot, value receiver, const node& n, size_t first_field,
                            operands args, const piped& last);
  result<value> eval_field(const value& dot, const node& n, const value& receiver,
                           const std::string& name, operands args, const piped& last);
  /// `args` starts with the node of the function or method, or is empty; `values` are arguments
  /// before those. An error of the call itself is shown at `shown`.
  result<value> eval_call(const value& dot, const function& f, const node& shown, operands args,
                          const piped& last, std::vector<value> values = {});
  result<value> eval_and_or(const value& dot, const function& f, operands args, const piped& last);
  result<value> eval_argument(const value& dot, const node& n, param p);
  result<value> check_type(value v, param p) const;
  status not_a_function(operands args, const piped& last) const;

  variable* find_variable(std::string_view name) {
    const auto it = std::find_if(variables_.rbegin(), variables_.rend(),
                                 [&](const variable& v) { return v.name == name; });
    return it == variables_.rend() ? nullptr : &*it;
  }
  status set_variable(std::string_view name, const value& v);

  const tree_set& trees_;
  std::string_view whole_name_, text_;
  std::string_view name_;  ///< of the template that runs
  const environment& env_;
  budget budget_;
  std::vector<variable> variables_;
  const node* current_ = nullptr;  ///< where an error is
  int depth_ = 0;
  std::string out_;
};

status executor::fail(std::string_view message, errc code) const {
  std::string where(whole_name_);
  std::string context;
  if (current_ != nullptr) {
    const auto before = text_.substr(0, current_->pos);
    const auto newline = before.rfind('\n');
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t column =
        newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
    where += ":" + std::to_string(line) + ":" + std::to_string(column);
    context = "executing " + quoted(name_) + " at <" + to_string(*current_) + ">: ";
  }
  return {code, "template: " + where + ": " + context + std::string(message)};
}

status executor::write(std::string_view text) {
  if (out_.size() + text.size() > env_.limits.output_bytes)
    return fail("output is longer than " + std::to_string(env_.limits.output_bytes) + " bytes",
                errc::resource_exhausted);
  out_ += text;
  return ok_status();
}

result<flow> executor::walk(const value& dot, const node& n) {
  level here(*this);
  TROUPE_TRY(here.check(n));
  at(n);
  switch (n.kind) {
    case type::text:
      TROUPE_TRY(write(n.text));
      return flow::next;
    case type::action: {
      TROUPE_ASSIGN(const auto v, eval_pipe(dot, *n.pipe));
      if (n.pipe->names.empty())
        TROUPE_TRY(print(n, v));
      return flow::next;
    }
    case type::list:
      for (const auto& item : n.items) {
        TROUPE_ASSIGN(const auto then, walk(dot, *item));
        if (then != flow::next)
          return then;
      }
      return flow::next;
    case type::if_control:
    case type::with_control:
      return walk_if_or_with(dot, n);
    case type::range_control:
      return walk_range(dot, n);
    case type::template_call:
      return walk_template(dot, n);
    case type::break_control:
      return flow::break_range;
    case type::continue_control:
      return flow::continue_range;
    default:
      return fail("unknown node: " + to_string(n));
  }
}

result<flow> executor::walk_if_or_with(const value& dot, const node& n) {
  const size_t mark = variables_.size();
  TROUPE_ASSIGN(const auto v, eval_pipe(dot, *n.pipe));
  result<flow> then = flow::next;
  if (v.truth())
    then = walk(n.is(type::with_control) ? v : dot, *n.list);
  else if (n.else_list)
    then = walk(dot, *n.else_list);
  variables_.resize(mark);
  return then;
}

status executor::set_variable(std::string_view name, const value& v) {
  auto* held = find_variable(name);
  if (held == nullptr)
    return fail("undefined variable: " + std::string(name));
  held->held = v;
  return ok_status();
}

result<flow> executor::iterate(const node& n, const value& index, const value& element,
                               size_t mark) {
  const auto& names = n.pipe->names;
  if (n.pipe->assigns) {
    if (names.size() > 1)
      TROUPE_TRY(set_variable(names[0], index));
    TROUPE_TRY(set_variable(names.back(), element));
  } else if (!names.empty()) {
    variables_[mark - 1].held = element;
    if (names.size() > 1)
      variables_[mark - 2].held = index;
  }
  auto then = walk(element, *n.list);
  variables_.resize(mark);
  return then;
}

result<flow> executor::walk_range(const value& dot, const node& n) {
  const size_t outer = variables_.size();
  TROUPE_ASSIGN(const auto v, eval_pipe(dot, *n.pipe));
  const size_t mark = variables_.size();
  bool ran = false;
  // False ends the loop; `stopped` then says why.
  result<flow> stopped = flow::next;
  const auto once = [&](const value& index, const value& element) {
    ran = true;
    auto then = iterate(n, index, element, mark);
    if (then.ok() && *then != flow::break_range)
      return true;
    if (!then.ok())
      stopped = std::move(then);
    return false;
  };
  switch (v.kind()) {
    case value::type::none:
      break;
    case value::type::integer:
    case value::type::byte: {
      const int64_t count = v.is(value::type::byte) ? v.as<uint8_t>() : v.as<int64_t>();
      if (n.pipe->names.size() > 1)
        return fail("can't use " + std::to_string(count) +
                    " to iterate over more than one variable");
      for (int64_t i = 0; i < count && once({}, value::of(i));)
        ++i;
      break;
    }
    case value::type::labels:
      for (const auto& l : v.as<labels>())
        if (!once(value::of(std::string(l.name)), value::of(std::string(l.value))))
          break;
      break;
    case value::type::map:
      for (const auto& [name, entry] : v.as<map_ptr>()->entries)
        if (!once(value::of(name), entry.boxed()))
          break;
      break;
    case value::type::samples: {
      const auto& list = v.as<sample_list>();
      for (size_t i = 0; i < list.size(); ++i)
        if (!once(value::of(static_cast<int64_t>(i)), of_storage(list[i])))
          break;
      break;
    }
    default: {
      std::string shown;
      append_value(shown, v, env_.limits.output_bytes);
      if (v.is(value::type::sample) && shown.starts_with('&'))
        shown.erase(0, 1);
      return fail("range can't iterate over " + shown);
    }
  }
  if (!stopped.ok())
    return stopped;
  result<flow> then = flow::next;
  if (!ran && n.else_list)
    then = walk(dot, *n.else_list);
  variables_.resize(outer);
  return then;
}

result<flow> executor::walk_template(const value& dot, const node& n) {
  const auto it = trees_.find(n.text);
  if (it == trees_.end())
    return fail("template " + quoted(n.text) + " not defined");
  value data;
  if (n.pipe) {
    TROUPE_ASSIGN(data, eval_pipe(dot, *n.pipe));
  }
  auto outer = std::exchange(variables_, {{"$", data}});
  const auto outer_name = std::exchange(name_, it->first);
  const auto then = walk(data, *it->second);
  if (!then.ok())
    return then.error();
  variables_ = std::move(outer);
  name_ = outer_name;
  return flow::next;
}

status executor::print(const node& n, const value& v) {
  at(n);
  if (v.is(value::type::none))
    return write("<no value>");
  std::string shown;
  append_value(shown, v, env_.limits.output_bytes);
  // A pointer is followed here, where print shows that it is one.
  const bool is_pointer = v.is(value::type::sample) && shown.starts_with('&');
  return write(std::string_view(shown).substr(is_pointer ? 1 : 0));
}

result<value> executor::eval_pipe(const value& dot, const node& n) {
  level here(*this);
  TROUPE_TRY(here.check(n));
  at(n);
  piped last;
  for (const auto& command : n.items) {
    TROUPE_ASSIGN(const auto v, eval_command(dot, *command, last));
    last = v.unboxed();
  }
  for (const auto& name : n.names) {
    if (n.assigns)
      TROUPE_TRY(set_variable(name, *last));
    else
      variables_.push_back({name, *last});
  }
  return std::move(*last);
}

status executor::not_a_function(operands args, const piped& last) const {
  if (args.size() > 1 || last)
    return fail("can't give argument to non-function " + to_string(*args[0]));
  return ok_status();
}

result<value> executor::eval_command(const value& dot, const node& n, const piped& last) {
  const node& first = *n.items[0];
  if (first.is(type::identifier)) {
    at(first);
    return eval_call(dot, *find_function(first.text), n, n.items, last);
  }
  if (first.is(type::field) || first.is(type::chain) || first.is(type::variable))
    return eval_operand(dot, first, n.items, last);
  if (!first.is(type::pipe))
    at(first);
  TROUPE_TRY(not_a_function(n.items, last));
  if (first.is(type::pipe))
    return eval_pipe(dot, first);
  if (first.is(type::dot))
    return dot;
  if (first.is(type::nil))
    return fail("nil is not a command");
  return eval_constant(first);
}

result<value> executor::eval_constant(const node& n) {
  at(n);
  if (n.overflows)
    return fail(n.text + " overflows int");
  return n.literal;
}

result<value> executor::eval_operand(const value& dot, const node& n, operands args,
                                     const piped& last) {
  switch (n.kind) {
    case type::field:
      at(n);
      return eval_fields(dot, dot, n, 0, args, last);
    case type::chain:
      return eval_chain(dot, n, args, last);
    case type::variable:
      return eval_variable(dot, n, args, last);
    case type::identifier:
      at(n);
      return eval_call(dot, *find_function(n.text), n, {}, last);
    case type::pipe:
      return eval_pipe(dot, n);
    default:
      return eval_constant(n);
  }
}

result<value> executor::eval_variable(const value& dot, const node& n, operands args,
                                      const piped& last) {
  at(n);
  const auto* v = find_variable(n.names[0]);
  if (v == nullptr)
    return fail("undefined variable: " + n.names[0]);
  if (n.names.size() > 1)
    return eval_fields(dot, v->held, n, 1, args, last);
  if (!args.empty() || last)
    TROUPE_TRY(not_a_function(args, last));
  return v->held;
}

result<value> executor::eval_chain(const value& dot, const node& n, operands args,
                                   const piped& last) {
  at(n);
  const node& base = *n.items[0];
  at(base);
  TROUPE_ASSIGN(auto receiver, eval_operand(dot, base, {}, std::nullopt));
  return eval_fields(dot, std::move(receiver), n, 0, args, last);
}

result<value> executor::eval_fields(const value& dot, value receiver, const node& n,
                                    size_t first_field, operands args, const piped& last) {
  for (size_t i = first_field; i + 1 < n.names.size(); ++i) {
    TROUPE_ASSIGN(receiver, eval_field(dot, n, receiver, n.names[i], {}, std::nullopt));
  }
  return eval_field(dot, n, receiver, n.names.back(), args, last);
}

result<value> executor::eval_field(const value& dot, const node& n, const value& receiver,
                                   const std::string& name, operands args, const piped& last) {
  if (receiver.is(value::type::none))
    return value();
  const auto slot = std::string(receiver.slot_type_name());
  if (receiver.is(value::type::nil))
    return fail("nil pointer evaluating " + slot + "." + name);
  if (const auto* method = find_method(receiver.kind(), name))
    return eval_call(dot, *method, n, args, last, {receiver});
  auto found = find_field(receiver, name);
  if (!found)
    return fail("can't evaluate field " + name + " in type " + slot);
  if (args.size() > 1 || last)
    return fail(name + (is_map(receiver) ? " is not a method but has arguments"
                                         : " has arguments but cannot be invoked as function"));
  if (found->is_text())
    if (const auto s = budget_.charge(found->text().size()); !s.ok())
      return fail(s.message(), s.code());
  return std::move(*found);
}

result<value> executor::eval_and_or(const value& dot, const function& f, operands args,
                                    const piped& last) {
  value v;
  for (const auto& arg : args) {
    TROUPE_ASSIGN(v, eval_argument(dot, *arg, param::reflected));
    if (v.truth() == (f.name == "or"))
      return v;
  }
  return last ? *last : v;
}

result<value> executor::eval_call(const value& dot, const function& f, const node& shown,
                                  operands args, const piped& last, std::vector<value> values) {
  if (!args.empty())
    args = args.subspan(1);
  const std::string name(f.name);
  const size_t count = args.size() + (last ? 1 : 0);
  const size_t fixed = f.params.size() - values.size() - (f.variadic ? 1 : 0);
  const auto wrong_count = [&](const char* least, size_t got) {
    return fail("wrong number of args for " + name + ": want " + least + std::to_string(fixed) +
                " got " + std::to_string(got));
  };
  if (f.variadic && count < fixed)
    return wrong_count("at least ", args.size());
  if (!f.variadic && count != fixed)
    return wrong_count("", count);
  if (f.call == nullptr)
    return eval_and_or(dot, f, args, last);
  values.reserve(values.size() + count);
  const auto param_at = [&](size_t i) { return f.params[std::min(i, f.params.size() - 1)]; };
  for (const auto& arg : args) {
    TROUPE_ASSIGN(auto v, eval_argument(dot, *arg, param_at(values.size())));
    values.push_back(std::move(v));
  }
  if (last) {
    TROUPE_ASSIGN(auto v, check_type(*last, param_at(values.size())));
    values.push_back(std::move(v));
  }
  call_context context{env_, budget_};
  auto made = f.call(context, values);
  if (made.ok())
    return made;
  at(shown);
  return fail("error calling " + name + ": " + std::string(made.error().message()),
              made.error().code());
}

// The value of a type that a parameter takes; nil becomes the parameter's own nil.
result<value> executor::check_type(value v, param p) const {
  const auto wrong = [&] {
    return fail("wrong type for value; expected " + std::string(type_name(p)) + "; got " +
                std::string(v.is(value::type::nil) ? "interface {}" : v.type_name()));
  };
  switch (p) {
    case param::any:
    case param::reflected:
      return v;
    case param::text:
      if (v.is(value::type::none))
        return fail("invalid value; expected string");
      if (!v.is(value::type::text))
        return wrong();
      return v;
    case param::sample:
      if (v.is(value::type::none))
        return of_storage(sample_ptr());
      if (!v.is(value::type::sample))
        return wrong();
      return v;
    case param::samples:
      if (v.is(value::type::none))
        return of_storage(sample_list{});
      if (!v.is(value::type::samples))
        return wrong();
      return v;
    case param::time:
    case param::duration:
      if (v.is(value::type::none))
        return fail("invalid value; expected " + std::string(type_name(p)));
      if (!v.is(p == param::time ? value::type::time : value::type::duration))
        return wrong();
      return v;
  }
  return v;
}

result<value> executor::eval_argument(const value& dot, const node& n, param p) {
  level here(*this);
  TROUPE_TRY(here.check(n));
  at(n);
  switch (n.kind) {
    case type::dot:
      return check_type(dot, p);
    case type::nil:
      if (p == param::text || p == param::time || p == param::duration)
        return fail("cannot assign nil to " + std::string(type_name(p)));
      return check_type({}, p);
    case type::constant:
      break;
    default: {
      TROUPE_ASSIGN(auto v, eval_operand(dot, n, {}, std::nullopt));
      return check_type(std::move(v), p);
    }
  }
  if (p == param::any || p == param::reflected)
    return eval_constant(n);
  if (p == param::duration) {
    if (!n.literal.is(value::type::integer))
      return fail("expected integer; found " + to_string(n));
    return of_storage(span{n.literal.as<int64_t>()});
  }
  if (p != param::text)
    return fail("can't handle " + to_string(n) + " for arg of type " + std::string(type_name(p)));
  if (!n.literal.is(value::type::text))
    return fail("expected string; found " + to_string(n));
  return n.literal;
}

}  // namespace

result<std::string> execute(const tree_set& trees, std::string_view name, std::string_view text,
                            const value& data, const environment& env) {
  const auto it = trees.find(name);
  if (it == trees.end())
    return {errc::internal, "template: " + std::string(name) + " is not defined"};
  return executor(trees, name, text, data, env).run(*it->second, data);
}

}  // namespace troupe::templates
