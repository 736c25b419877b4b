#include "pipeline/parse/exposition.h"

#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::parse {
namespace {

bool is_float_label(metric_type type, std::string_view name) {
  return (type == metric_type::histogram && name == "le") ||
         (type == metric_type::summary && name == "quantile");
}

std::string_view token_name(const char* at, const char* end) {
  if (at == end)
    return "EOF";
  switch (*at) {
    case '\n':
      return "LINEBREAK";
    case '{':
      return "BOPEN";
    case '}':
      return "BCLOSE";
    case ',':
      return "COMMA";
    case '=':
      return "EQUAL";
    default:
      return "INVALID";
  }
}

}  // namespace

status exposition_parser::read_labels(labels_builder& out,
                                      std::vector<std::string>* empty_names) const {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(tokens_.labels.size() + 1);
  pairs.emplace_back(metric_name_label, unescape_label(tokens_.name));
  for (const auto& l : tokens_.labels) {
    auto& [name, value] = pairs.emplace_back(unescape_label(l.name), unescape_label(l.value));
    if (is_float_label(type_, name))
      value = normalize_float_label(value);
  }
  return take_labels(std::move(pairs), out, empty_names);
}

// Sorted first, so that the builder only ever appends: a line with very many labels stays cheap.
status take_labels(std::vector<std::pair<std::string, std::string>> pairs, labels_builder& out,
                   std::vector<std::string>* empty_names) {
  std::sort(pairs.begin(), pairs.end());
  out.clear();
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto& [name, value] = pairs[i];
    if (i > 0 && pairs[i - 1].first == name)
      return {errc::invalid_argument,
              "label name " + quoted(name) + " is not unique: invalid sample"};
    if (name.empty())
      return {errc::invalid_argument, "invalid label name \"\""};
    if (value.empty() && empty_names != nullptr)
      empty_names->push_back(name);
    if (!value.empty())
      out.set(name, value);
  }
  return {};
}

std::string_view exposition_parser::type_family() {
  if (skipped_type_line_.empty())
    return type_family_;
  const char* stop = skipped_type_line_.data() + skipped_type_line_.size();
  const auto skip_blanks = [&](const char* p) {
    return std::find_if(p, stop, [](char c) { return c != ' ' && c != '\t'; });
  };
  const auto keyword = std::string_view("TYPE").size();
  const char* p = skip_blanks(skip_blanks(skipped_type_line_.data() + 1) + keyword);
  const bool is_quoted = *p == '"';
  const char* behind = is_quoted ? skip_quoted(p, stop, true) - 1 : skip_metric_name(p, stop);
  p += is_quoted;
  type_family_ = {p, static_cast<size_t>(behind - p)};
  skipped_type_line_ = {};
  return type_family_;
}

std::string exposition_parser::text() const {
  return help_keeps_quotes_ ? unescape_help(text_) : unescape_label(text_);
}

entry exposition_parser::fail(std::string_view reason) {
  const auto line = 1 + std::count(begin_, std::min(line_, end_), '\n');
  error_ = "line " + std::to_string(line) + ": " + std::string(reason);
  return entry::error;
}

entry exposition_parser::fail_at(std::string_view reason, const char* at) {
  const char* stop = std::min(at + 1, end_);
  const std::string_view got(at, static_cast<size_t>(stop - at));
  std::string_view context(line_, static_cast<size_t>(stop - line_));
  if (context.size() > max_quoted_context)
    context.remove_prefix(context.size() - max_quoted_context);
  return fail(std::string(reason) + ", got " + quoted(got) + " (" + quoted(token_name(at, end_)) +
              ") while parsing: " + quoted(context));
}

entry exposition_parser::fail_number(number_error why, std::string_view token) {
  return fail("strconv.ParseFloat: parsing " + quoted(token.substr(0, max_quoted_context)) +
              (why == number_error::range ? ": value out of range" : ": invalid syntax") +
              " while parsing: " +
              quoted(std::string_view(line_, static_cast<size_t>(token.data() - line_))
                         .substr(0, max_quoted_context)));
}

labels read_exemplar_labels(std::string_view braces) {
  series_tokens tokens;
  labels_builder b;
  if (read_braces(braces.data() + 1, braces.data() + braces.size(), brace_rules::exemplar, tokens))
    for (const auto& l : tokens.labels)
      b.set(unescape_label(l.name), unescape_label(l.value));
  return b.build();
}

}  // namespace troupe::parse
