#include "pipeline/template/node.h"

#include "storage/base/quote.h"

namespace troupe::templates {
namespace {

using type = node::type;

void append(std::string& out, const node& n);

void append_names(std::string& out, const node& n, std::string_view before) {
  for (const auto& name : n.names) {
    out += before;
    out += name;
  }
}

void append_pipe(std::string& out, const node& n) {
  for (size_t i = 0; i < n.names.size(); ++i) {
    if (i > 0)
      out += ", ";
    out += n.names[i];
  }
  if (!n.names.empty())
    out += n.assigns ? " = " : " := ";
  for (size_t i = 0; i < n.items.size(); ++i) {
    if (i > 0)
      out += " | ";
    append(out, *n.items[i]);
  }
}

void append_in_parentheses(std::string& out, const node& n) {
  if (!n.is(type::pipe))
    return append(out, n);
  out += '(';
  append(out, n);
  out += ')';
}

void append_control(std::string& out, const node& n, std::string_view word) {
  out.append("{{").append(word).append(" ");
  append(out, *n.pipe);
  out += "}}";
  append(out, *n.list);
  if (n.else_list) {
    out += "{{else}}";
    append(out, *n.else_list);
  }
  out += "{{end}}";
}

void append(std::string& out, const node& n) {
  switch (n.kind) {
    case type::text:
    case type::identifier:
    case type::constant:
      out += n.text;
      return;
    case type::action:
      out += "{{";
      append(out, *n.pipe);
      out += "}}";
      return;
    case type::list:
      for (const auto& item : n.items)
        append(out, *item);
      return;
    case type::if_control:
      return append_control(out, n, "if");
    case type::with_control:
      return append_control(out, n, "with");
    case type::range_control:
      return append_control(out, n, "range");
    case type::template_call:
      out += "{{template " + quoted(n.text);
      if (n.pipe) {
        out += ' ';
        append(out, *n.pipe);
      }
      out += "}}";
      return;
    case type::break_control:
      out += "{{break}}";
      return;
    case type::continue_control:
      out += "{{continue}}";
      return;
    case type::end_clause:
      out += "{{end}}";
      return;
    case type::else_clause:
      out += "{{else}}";
      return;
    case type::pipe:
      return append_pipe(out, n);
    case type::command:
      for (size_t i = 0; i < n.items.size(); ++i) {
        if (i > 0)
          out += ' ';
        append_in_parentheses(out, *n.items[i]);
      }
      return;
    case type::field:
      return append_names(out, n, ".");
    case type::variable:
      for (size_t i = 0; i < n.names.size(); ++i)
        out.append(i > 0 ? "." : "").append(n.names[i]);
      return;
    case type::chain:
      append_in_parentheses(out, *n.items[0]);
      return append_names(out, n, ".");
    case type::dot:
      out += '.';
      return;
    case type::nil:
      out += "nil";
      return;
  }
}

}  // namespace

std::string to_string(const node& n) {
  std::string out;
  append(out, n);
  return out;
}

bool is_empty_tree(const node& n) {
  if (n.is(type::text))
    return n.text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
  if (!n.is(type::list))
    return false;
  for (const auto& item : n.items)
    if (!is_empty_tree(*item))
      return false;
  return true;
}

}  // namespace troupe::templates
