// The tree of a parsed template. Immutable once parsed; any thread.
#pragma once

#include "pipeline/template/value.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::templates {

struct node;
using node_ptr = std::unique_ptr<node>;

struct node {
  enum class type : uint8_t {
    text,        ///< `text` is written as it is
    action,      ///< {{pipe}}
    list,        ///< `items`
    if_control,  ///< `pipe`, `list`, `else_list`; so are with and range
    with_control,
    range_control,
    template_call,  ///< `text` names it; `pipe` may be null
    break_control,
    continue_control,
    end_clause,  ///< these two only between the parser's functions
    else_clause,
    pipe,        ///< `names` are the variables it sets, `items` its commands
    command,     ///< `items`: the function and its arguments
    identifier,  ///< `text`
    field,       ///< `names`
    variable,    ///< `names`: "$x", then fields
    chain,       ///< `items[0]`, then the fields `names`
    dot,
    nil,
    constant,  ///< a bool, number or string: `text` as written, `literal`
  };
  type kind = type::text;
  size_t pos = 0;  ///< byte offset in the template's text
  std::string text;
  std::vector<std::string> names;
  value literal;
  bool assigns = false;    ///< a pipe with '=', not ':='
  bool overflows = false;  ///< an integer constant above int64
  std::vector<node_ptr> items;
  node_ptr pipe, list, else_list;

  bool is(type t) const { return kind == t; }
};

/// As Go prints the node in messages.
std::string to_string(const node& n);
/// True for comments, blanks and nothing: such a definition does not replace another.
bool is_empty_tree(const node& n);

/// All templates of one text, by name; the unnamed text has the name of the whole.
using tree_set = std::map<std::string, node_ptr, std::less<>>;

}  // namespace troupe::templates
