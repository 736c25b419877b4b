#include "storage/base/regex.h"

#include "storage/base/quote.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <map>

namespace troupe {
namespace {

constexpr size_t max_pattern_bytes = 1 << 20;
constexpr int max_program_size = 100'000;
constexpr size_t max_literals = 10'000;

RE2::Options options() {
  RE2::Options o;
  o.set_log_errors(false);
  o.set_max_mem(16 << 20);
  return o;
}

// The reason in the words of Go's regexp/syntax, which users know.
std::string_view reason(const RE2& re) {
  switch (re.error_code()) {
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    default:
      return std::string_view(re.error()).substr(0, re.error().find(": "));
  }
}

status compile_error(const RE2& re) {
  const bool big = re.error_code() == RE2::ErrorPatternTooLarge;
  std::string text = "error parsing regexp: " + std::string(reason(re));
  if (!re.error_arg().empty() && re.error_arg().size() <= 200)
    text += ": `" + re.error_arg() + "`";
  return {big ? errc::resource_exhausted : errc::invalid_argument, std::move(text)};
}

status check_length(std::string_view pattern) {
  if (pattern.size() <= max_pattern_bytes)
    return ok_status();
  return {errc::resource_exhausted, "regular expression is longer than 1 MiB"};
}

status check_program(const RE2& re) {
  if (re.ProgramSize() <= max_program_size)
    return ok_status();
  return {errc::resource_exhausted, "regular expression compiles to " +
                                        std::to_string(re.ProgramSize()) + " instructions, limit " +
                                        std::to_string(max_program_size)};
}

// "(a|b)" and "(?:a|b)" without their parentheses, if nothing inside needs them.
std::string_view strip_group(std::string_view p) {
  if (p.size() < 2 || p.front() != '(' || p.back() != ')')
    return p;
  auto inner = p.substr(1, p.size() - 2);
  if (inner.starts_with("?:"))
    inner.remove_prefix(2);
  return inner.find_first_of("()") == std::string_view::npos && !inner.ends_with('\\') ? inner : p;
}

// The literals of a pattern that is an alternation of literals, sorted and unique; else nothing.
std::vector<std::string> literals_of(std::string_view pattern) {
  static constexpr std::string_view special = "()[]{}*+?.^$";
  std::vector<std::string> out(1);
  const auto p = strip_group(pattern);
  for (size_t i = 0; i < p.size(); ++i) {
    char c = p[i];
    if (c == '|') {
      if (out.size() == max_literals)
        return {};
      out.emplace_back();
      continue;
    }
    if (special.find(c) != std::string_view::npos)
      return {};
    if (c == '\\') {
      if (++i == p.size())
        return {};
      c = p[i];
      // Only escaped ASCII punctuation stands for itself.
      const bool punctuation =
          c > ' ' && c < 0x7f && !std::isalnum(static_cast<unsigned char>(c)) && c != '_';
      if (!punctuation)
        return {};
    }
    out.back().push_back(c);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// The reference after '$' at the start of `t`: its name and how many bytes it takes; 0 if
// malformed.
size_t parse_reference(std::string_view t, std::string_view& name) {
  const bool braces = t.starts_with('{');
  size_t end = braces ? 1 : 0;
  const size_t begin = end;
  while (end < t.size() && is_name_char(t[end]))
    ++end;
  name = t.substr(begin, end - begin);
  if (name.empty() || (braces && (end == t.size() || t[end] != '}')))
    return 0;
  return braces ? end + 1 : end;
}

// The group number `name` spells, or -1; as Go, no leading zeros.
int group_number(std::string_view name) {
  if (name.size() > 1 && name[0] == '0')
    return -1;
  int n = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || n >= 100'000'000)
      return -1;
    n = n * 10 + (c - '0');
  }
  return n;
}

// Room for a match and its groups; on the stack for all but rare patterns.
class group_buffer {
 public:
  explicit group_buffer(const RE2& re) : count_(re.NumberOfCapturingGroups() + 1) {
    if (count_ > static_cast<int>(small_.size()))
      large_.resize(static_cast<size_t>(count_));
  }
  re2::StringPiece* data() { return large_.empty() ? small_.data() : large_.data(); }
  const re2::StringPiece& operator[](int i) const {
    const auto at = static_cast<size_t>(i);
    return large_.empty() ? small_[at] : large_[at];
  }
  int size() const { return count_; }

 private:
  int count_;
  std::array<re2::StringPiece, 16> small_;
  std::vector<re2::StringPiece> large_;
};

// Go's regexp.Expand.
void append_expanded(std::string& out, std::string_view replacement, const group_buffer& groups,
                     const std::map<std::string, int>& names) {
  while (!replacement.empty()) {
    const auto dollar = replacement.find('$');
    out += replacement.substr(0, dollar);
    if (dollar == std::string_view::npos)
      break;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      out.push_back('$');
      replacement.remove_prefix(1);
      continue;
    }
    std::string_view name;
    const size_t used = parse_reference(replacement, name);
    if (used == 0) {
      out.push_back('$');
      continue;
    }
    replacement.remove_prefix(used);
    int group = group_number(name);
    if (group < 0) {
      const auto it = names.find(std::string(name));
      group = it == names.end() ? groups.size() : it->second;
    }
    if (group < groups.size() && groups[group].data() != nullptr)
      out.append(groups[group].data(), groups[group].size());
  }
}

}  // namespace

struct regex::impl {
  explicit impl(std::string_view p) : pattern(p), re("^(?s:" + pattern + ")$", options()) {}
  std::string pattern;
  RE2 re;
  std::vector<std::string> literals;
  std::map<std::string, int> names;
};

result<regex> regex::compile(std::string_view pattern) {
  TROUPE_TRY(check_length(pattern));
  // The bare pattern first: "a)|(b" is wrong although it would be right inside the anchors.
  auto made = std::make_shared<impl>(pattern);
  if (!made->re.ok() || pattern.find(')') != std::string_view::npos) {
    const RE2 bare(re2::StringPiece(pattern.data(), pattern.size()), options());
    if (!bare.ok())
      return compile_error(bare);
  }
  if (!made->re.ok())
    return compile_error(made->re);
  TROUPE_TRY(check_program(made->re));
  made->literals = literals_of(made->pattern);
  made->names = made->re.NamedCapturingGroups();
  regex out;
  out.impl_ = std::move(made);
  return out;
}

bool regex::matches(std::string_view text) const {
  const auto& lits = impl_->literals;
  if (!lits.empty())
    return std::binary_search(lits.begin(), lits.end(), text);
  return impl_->re.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                         RE2::ANCHOR_BOTH, nullptr, 0);
}

bool regex::expand(std::string_view text, std::string_view replacement, std::string& out) const {
  group_buffer groups(impl_->re);
  const re2::StringPiece input(text.data(), text.size());
  if (!impl_->re.Match(input, 0, text.size(), RE2::ANCHOR_BOTH, groups.data(), groups.size()))
    return false;
  append_expanded(out, replacement, groups, impl_->names);
  return true;
}

const std::string& regex::pattern() const {
  return impl_->pattern;
}
const std::vector<std::string>& regex::literals() const {
  return impl_->literals;
}

struct search_regex::impl {
  explicit impl(std::string_view p)
      : re(re2::StringPiece(p.data(), p.size()), options()), names(re.NamedCapturingGroups()) {}
  RE2 re;
  std::map<std::string, int> names;
};

result<search_regex> search_regex::compile(std::string_view pattern) {
  TROUPE_TRY(check_length(pattern));
  auto made = std::make_shared<impl>(pattern);
  if (!made->re.ok())
    return compile_error(made->re);
  TROUPE_TRY(check_program(made->re));
  search_regex out;
  out.impl_ = std::move(made);
  return out;
}

bool search_regex::found_in(std::string_view text) const {
  return impl_->re.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                         RE2::UNANCHORED, nullptr, 0);
}

result<std::string> search_regex::replace_all(std::string_view text, std::string_view replacement,
                                              size_t max_bytes) const {
  std::string out;
  group_buffer groups(impl_->re);
  const re2::StringPiece input(text.data(), text.size());
  size_t copied = 0;  // what of `text` is in `out`, or replaced there
  size_t at = 0;
  while (at <= text.size() &&
         impl_->re.Match(input, at, text.size(), RE2::UNANCHORED, groups.data(), groups.size())) {
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    out += text.substr(copied, begin - copied);
    // An empty match right behind another match is not replaced.
    if (end > copied || begin == 0)
      append_expanded(out, replacement, groups, impl_->names);
    copied = end;
    uint32_t code_point = 0;
    const size_t step =
        at < text.size() ? std::max<size_t>(decode_utf8(text.substr(at), code_point), 1) : 1;
    at = std::max(at + step, end);
    if (out.size() > max_bytes)
      break;
  }
  out += text.substr(std::min(copied, text.size()));
  if (out.size() > max_bytes)
    return {errc::resource_exhausted,
            "replaced text is longer than " + std::to_string(max_bytes) + " bytes"};
  return out;
}

}  // namespace troupe
