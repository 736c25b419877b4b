#include "pipeline/http/http.h"

#include "pipeline/http/header_text.h"

#include <algorithm>

namespace troupe::http {
namespace {

constexpr size_t max_shown_bytes = 300;

}  // namespace

bool equal_fold(std::string_view a, std::string_view b) {
  if (a.size() != b.size())
    return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (ascii_lower(a[i]) != ascii_lower(b[i]))
      return false;
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool next_list_item(std::string_view& list, std::string_view& item) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    item = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (!item.empty())
      return true;
  }
  return false;
}

bool list_contains(std::string_view list, std::string_view token) {
  std::string_view item;
  while (next_list_item(list, item))
    if (equal_fold(item, token))
      return true;
  return false;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::string_view item;
  bool any = false;
  while (next_list_item(accept_encoding, item)) {
    size_t semicolon = item.find(';');
    std::string_view name = trim(item.substr(0, semicolon));
    bool refused = false;
    if (semicolon != std::string_view::npos) {
      std::string_view q = trim(item.substr(semicolon + 1));
      refused = q.substr(0, 2) == "q=" && q.substr(2).find_first_not_of("0.") == q.npos;
    }
    if (equal_fold(name, "gzip") || equal_fold(name, "x-gzip"))
      return !refused;
    if (name == "*")
      any = !refused;
  }
  return any;
}

bool valid_header_name(std::string_view name) {
  if (name.empty())
    return false;
  for (char c : name) {
    bool alnum = (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
    if (!alnum && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)
      return false;
  }
  return true;
}

bool valid_header_value(std::string_view value) {
  for (char c : value)
    if (static_cast<unsigned char>(c) < 0x20 ? c != '\t' : c == 0x7f)
      return false;
  return true;
}

std::string shown_text(std::string_view text) {
  std::string out(text.substr(0, max_shown_bytes));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return out;
}

void put_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

std::string_view find_header(const headers& hs, std::string_view name) {
  for (const auto& h : hs)
    if (equal_fold(h.name, name))
      return h.value;
  return {};
}

std::optional<std::string_view> request::param(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name)
      return value;
  return std::nullopt;
}

std::vector<std::string_view> request::params_of(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : query)
    if (key == name)
      out.push_back(value);
  return out;
}

}  // namespace troupe::http
