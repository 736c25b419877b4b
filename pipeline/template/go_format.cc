#include "pipeline/template/go_format.h"

#include "pipeline/template/go_time.h"
#include "pipeline/template/go_verbs.h"
#include "query/engine/histogram_math.h"
#include "query/parser/rune.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

namespace troupe::templates {
namespace {

constexpr int max_number = 1'000'000;  // of a width or precision, as in Go

// Prints one operand after another into `out`, until that is full.
class printer {
 public:
  printer(std::string& out, size_t max_bytes) : out_(out), max_bytes_(max_bytes) {}

  bool full() const { return out_.size() > max_bytes_; }
  void print(const value& v, char32_t verb, const verb_flags& f) {
    if (verb == 'T')
      return append_padded(out_, v.type_name(), f);
    if (v.is(value::type::none) || v.is(value::type::nil)) {
      if (verb == 'v')
        return append_padded(out_, "<nil>", f);
      return bad_verb(v, verb, f);
    }
    print_inner(v, verb, f);
  }
  void printf(std::string_view format, std::span<const value> args);

 private:
  using type = value::type;

  void bad_verb(const value& v, char32_t verb, const verb_flags& f) {
    out_ += "%!" + query::utf8_of(verb) + "(";
    if (v.is(type::none) || v.is(type::nil)) {
      out_ += "<nil>";
    } else {
      out_ += v.type_name();
      out_ += '=';
      print_inner(v, 'v', f);
    }
    out_ += ')';
  }
  void print_inner(const value& v, char32_t verb, const verb_flags& f);
  void print_integer(const value& v, bool negative, uint64_t magnitude, char32_t verb,
                     const verb_flags& f);
  void print_number(const value& v, char32_t verb, const verb_flags& f);
  void print_text(const value& v, std::string_view text, char32_t verb, const verb_flags& f);
  void print_element(const value& v, char32_t verb, const verb_flags& f) {
    if (v.is(type::none) || v.is(type::nil))
      out_ += "<nil>";
    else if (!full())
      print_inner(v, verb, f);
  }
  void print_text_element(std::string_view text, char32_t verb, const verb_flags& f) {
    if (!full())
      print_text(value::of(std::string(text)), text, verb, f);
  }
  void print_labels(const labels& set, char32_t verb, const verb_flags& f);
  void print_map(const value_map& m, char32_t verb, const verb_flags& f);
  void print_samples(const sample_list& list, char32_t verb, const verb_flags& f);
  void print_sample(const sample_ptr& s, char32_t verb, const verb_flags& f);
  void print_data(const alert_data& d, char32_t verb, const verb_flags& f);
  void field(std::string_view name, bool first, const verb_flags& f) {
    if (!first)
      out_ += f.sharp_v ? ", " : " ";
    if (f.plus_v || f.sharp_v)
      out_.append(name).append(":");
  }

  std::string& out_;
  size_t max_bytes_;
};

void printer::print_inner(const value& v, char32_t verb, const verb_flags& f) {
  switch (v.kind()) {
    case type::none:
    case type::nil:
      out_ += "<nil>";
      return;
    case type::boolean:
      if (verb != 'v' && verb != 't')
        return bad_verb(v, verb, f);
      return append_padded(out_, v.as<bool>() ? "true" : "false", f);
    case type::integer: {
      const auto n = v.as<int64_t>();
      return print_integer(
          v, n < 0, n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n), verb, f);
    }
    case type::byte:
      return print_integer(v, false, v.as<uint8_t>(), verb, f);
    case type::number:
      return print_number(v, verb, f);
    case type::text:
    case type::html:
      return print_text(v, v.text(), verb, f);
    case type::labels:
      return print_labels(v.as<labels>(), verb, f);
    case type::map:
      return print_map(*v.as<map_ptr>(), verb, f);
    case type::samples:
      return print_samples(v.as<sample_list>(), verb, f);
    case type::sample:
      return print_sample(v.as<sample_ptr>(), verb, f);
    case type::data:
      return print_data(*v.as<data_ptr>(), verb, f);
    case type::time:
      return print_text(v, time_text(v.as<instant>()), verb, f);
    case type::duration:
      return print_text(v, duration_text(v.as<span>()), verb, f);
    case type::histogram:
      return print_text(v, query::to_text(*v.as<histogram_ptr>()), verb, f);
  }
}

void printer::print_integer(const value& v, bool negative, uint64_t magnitude, char32_t verb,
                            const verb_flags& f) {
  const char c = verb < 0x80 ? static_cast<char>(verb) : '\0';
  switch (c) {
    case 'v':
      if (f.sharp_v && v.is(type::byte)) {
        auto sharp = f;
        sharp.sharp = true;
        return append_integer(out_, false, magnitude, 'x', sharp);
      }
      return append_integer(out_, negative, magnitude, 'd', f);
    case 'd':
    case 'b':
    case 'o':
    case 'O':
    case 'x':
    case 'X':
      return append_integer(out_, negative, magnitude, c, f);
    case 'c':
    case 'q':
    case 'U':
      return append_rune(out_, negative ? 0 - magnitude : magnitude, c, f);
    default:
      return bad_verb(v, verb, f);
  }
}

void printer::print_number(const value& v, char32_t verb, const verb_flags& f) {
  constexpr std::string_view verbs = "beEfFgGxX";
  if (verb == 'v')
    return append_float(out_, v.as<double>(), 'g', f);
  if (verb >= 0x80 || verbs.find(static_cast<char>(verb)) == std::string_view::npos)
    return bad_verb(v, verb, f);
  append_float(out_, v.as<double>(), static_cast<char>(verb), f);
}

void printer::print_text(const value& v, std::string_view text, char32_t verb,
                         const verb_flags& f) {
  switch (verb) {
    case 'v':
      if (f.sharp_v)
        return append_quoted_text(out_, text, f);
      [[fallthrough]];
    case 's':
      return append_padded(out_, truncated(text, f), f);
    case 'q':
      return append_quoted_text(out_, text, f);
    case 'x':
    case 'X':
      return append_hex_text(out_, text, static_cast<char>(verb), f);
    default:
      if (v.is_text())
        return bad_verb(v, verb, f);
      // Of a pointer Go prints the address under these verbs.
      return append_padded(out_, text, f);
  }
}

void printer::print_labels(const labels& set, char32_t verb, const verb_flags& f) {
  out_ += f.sharp_v ? "map[string]string{" : "map[";
  bool first = true;
  for (const auto& l : set) {
    if (full())
      return;
    if (!first)
      out_ += f.sharp_v ? ", " : " ";
    print_text_element(l.name, verb, f);
    out_ += ':';
    print_text_element(l.value, verb, f);
    first = false;
  }
  out_ += f.sharp_v ? '}' : ']';
}

void printer::print_map(const value_map& m, char32_t verb, const verb_flags& f) {
  out_ += f.sharp_v ? "map[string]interface {}{" : "map[";
  bool first = true;
  for (const auto& [name, v] : m.entries) {
    if (full())
      return;
    if (!first)
      out_ += f.sharp_v ? ", " : " ";
    print_text_element(name, verb, f);
    out_ += ':';
    print_element(v, verb, f);
    first = false;
  }
  out_ += f.sharp_v ? '}' : ']';
}

void printer::print_samples(const sample_list& list, char32_t verb, const verb_flags& f) {
  out_ += f.sharp_v ? "template.queryResult{" : "[";
  for (size_t i = 0; i < list.size() && !full(); ++i) {
    if (i > 0)
      out_ += f.sharp_v ? ", " : " ";
    print_sample(list[i], verb, f);
  }
  out_ += f.sharp_v ? '}' : ']';
}

void printer::print_sample(const sample_ptr& s, char32_t verb, const verb_flags& f) {
  if (s == nullptr) {
    out_ += f.sharp_v ? "(*template.sample)(nil)" : "<nil>";
    return;
  }
  out_ += f.sharp_v ? "&template.sample{" : "&{";
  field("Labels", true, f);
  print_labels(s->metric, verb, f);
  field("Value", false, f);
  print_element(s->number, verb, f);
  out_ += '}';
}

void printer::print_data(const alert_data& d, char32_t verb, const verb_flags& f) {
  if (f.sharp_v)
    out_ += value(value::storage(std::make_shared<const alert_data>())).type_name();
  out_ += '{';
  field("Labels", true, f);
  print_labels(d.labels, verb, f);
  field("ExternalLabels", false, f);
  print_labels(d.external_labels, verb, f);
  field("ExternalURL", false, f);
  print_text_element(d.external_url, verb, f);
  field("Value", false, f);
  print_element(d.number, verb, f);
  out_ += '}';
}

// One directive after another, as Go's doPrintf reads them.
class directive_reader {
 public:
  directive_reader(std::string_view format, std::span<const value> args)
      : format_(format), args_(args) {}

  std::string_view literal() {
    const size_t begin = at_;
    at_ = std::min(format_.find('%', at_), format_.size());
    return format_.substr(begin, at_ - begin);
  }
  bool done() const { return at_ >= format_.size(); }
  /// Reads what follows '%'; messages about bad widths go to `out`. False: the verb is missing.
  bool read(std::string& out, verb_flags& f, char32_t& verb);
  bool has_good_argument() const { return good_; }
  const value* take_argument() { return next_ < args_.size() ? &args_[next_++] : nullptr; }
  std::span<const value> left_over() const {
    return reordered_ || next_ >= args_.size() ? std::span<const value>() : args_.subspan(next_);
  }

 private:
  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }
  void flags(verb_flags& f);
  /// "[3]".
  void index();
  bool number(int& out);
  /// "*": the next argument, if that is a number.
  std::optional<int> star();

  std::string_view format_;
  std::span<const value> args_;
  size_t at_ = 0, next_ = 0;
  bool reordered_ = false, good_ = true, after_index_ = false;
};

void directive_reader::flags(verb_flags& f) {
  for (; at_ < format_.size(); ++at_) {
    switch (format_[at_]) {
      case '#':
        f.sharp = true;
        break;
      case '0':
        f.zero = true;
        break;
      case '+':
        f.plus = true;
        break;
      case '-':
        f.minus = true;
        break;
      case ' ':
        f.space = true;
        break;
      default:
        return;
    }
  }
}

bool directive_reader::number(int& out) {
  const size_t begin = at_;
  int64_t n = 0;
  while (at_ < format_.size() && query::is_digit(static_cast<unsigned char>(format_[at_]))) {
    n = n * 10 + (format_[at_++] - '0');
    if (n > max_number)
      return false;
  }
  if (at_ == begin)
    return false;
  out = static_cast<int>(n);
  return true;
}

void directive_reader::index() {
  after_index_ = false;
  if (peek() != '[')
    return;
  reordered_ = true;
  const auto close = format_.find(']', at_);
  const size_t begin = ++at_;
  int n = 0;
  const bool ok = close != std::string_view::npos && number(n) && at_ == close && n >= 1 &&
                  static_cast<size_t>(n) <= args_.size();
  at_ = close == std::string_view::npos ? begin : close + 1;
  if (!ok) {
    good_ = false;
    return;
  }
  next_ = static_cast<size_t>(n) - 1;
  after_index_ = true;
}

std::optional<int> directive_reader::star() {
  ++at_;
  after_index_ = false;
  const auto* v = take_argument();
  if (v == nullptr || !(v->is(value::type::integer) || v->is(value::type::byte)))
    return std::nullopt;
  const int64_t n = v->is(value::type::byte) ? v->as<uint8_t>() : v->as<int64_t>();
  if (n > max_number || n < -max_number)
    return std::nullopt;
  return static_cast<int>(n);
}

bool directive_reader::read(std::string& out, verb_flags& f, char32_t& verb) {
  ++at_;
  good_ = true;
  flags(f);
  index();
  if (peek() == '*') {
    const auto width = star();
    if (!width)
      out += "%!(BADWIDTH)";
    f.width = width ? std::abs(*width) : -1;
    f.minus = f.minus || (width && *width < 0);
  } else if (number(f.width) && after_index_) {
    good_ = false;
  }
  if (peek() == '.') {
    ++at_;
    if (after_index_)
      good_ = false;
    index();
    if (peek() == '*') {
      const auto precision = star();
      if (!precision || *precision < 0)
        out += "%!(BADPREC)";
      f.precision = precision.value_or(-1);
    } else if (!number(f.precision)) {
      f.precision = 0;
    }
  }
  if (!after_index_)
    index();
  const auto r = query::decode_rune(format_, at_);
  at_ += r.width;
  verb = r.code;
  return r.width > 0;
}

void printer::printf(std::string_view format, std::span<const value> args) {
  directive_reader reader(format, args);
  while (!full()) {
    out_ += reader.literal();
    if (reader.done())
      break;
    verb_flags f;
    char32_t verb = 0;
    if (!reader.read(out_, f, verb)) {
      out_ += "%!(NOVERB)";
      break;
    }
    if (verb == '%') {
      out_ += '%';
      continue;
    }
    const auto* arg = reader.has_good_argument() ? reader.take_argument() : nullptr;
    if (arg == nullptr) {
      out_ += "%!" + query::utf8_of(verb);
      out_ += reader.has_good_argument() ? "(MISSING)" : "(BADINDEX)";
      continue;
    }
    if (verb == 'v') {
      f.sharp_v = std::exchange(f.sharp, false);
      f.plus_v = std::exchange(f.plus, false);
    }
    print(*arg, verb, f);
  }
  const auto extra = reader.left_over();
  if (extra.empty())
    return;
  out_ += "%!(EXTRA ";
  for (size_t i = 0; i < extra.size() && !full(); ++i) {
    if (i > 0)
      out_ += ", ";
    if (extra[i].is(type::none) || extra[i].is(type::nil)) {
      out_ += "<nil>";
      continue;
    }
    out_ += extra[i].type_name();
    out_ += '=';
    print(extra[i], 'v', {});
  }
  out_ += ')';
}

}  // namespace

void append_value(std::string& out, const value& v, size_t max_bytes) {
  printer(out, max_bytes).print(v, 'v', {});
}

void append_print(std::string& out, std::span<const value> args, size_t max_bytes) {
  printer p(out, max_bytes);
  for (size_t i = 0; i < args.size() && !p.full(); ++i) {
    if (i > 0 && !args[i].is_text() && !args[i - 1].is_text())
      out += ' ';
    p.print(args[i], 'v', {});
  }
}

void append_println(std::string& out, std::span<const value> args, size_t max_bytes) {
  printer p(out, max_bytes);
  for (size_t i = 0; i < args.size() && !p.full(); ++i) {
    if (i > 0)
      out += ' ';
    p.print(args[i], 'v', {});
  }
  out += '\n';
}

void append_printf(std::string& out, std::string_view format, std::span<const value> args,
                   size_t max_bytes) {
  printer(out, max_bytes).printf(format, args);
}

}  // namespace troupe::templates
