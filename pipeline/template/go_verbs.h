// The verbs of Go's fmt for one number or text, with flags, width and precision. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::templates {

/// What stands between '%' and the verb.
struct verb_flags {
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  bool plus_v = false;   ///< %+v: names of fields
  bool sharp_v = false;  ///< %#v: Go syntax
  int width = -1;        ///< -1: none
  int precision = -1;
};

/// Pads to the width, counted in code points.
void append_padded(std::string& out, std::string_view text, const verb_flags& f);
/// %d %b %o %O %x %X of `negative` and magnitude.
void append_integer(std::string& out, bool negative, uint64_t magnitude, char verb,
                    const verb_flags& f);
/// %e %E %f %F %g %G %b %x %X.
void append_float(std::string& out, double v, char verb, const verb_flags& f);
/// %q of a text.
void append_quoted_text(std::string& out, std::string_view text, const verb_flags& f);
/// %x and %X of a text's bytes.
void append_hex_text(std::string& out, std::string_view text, char verb, const verb_flags& f);
/// %c, %q and %U of a code point.
void append_rune(std::string& out, uint64_t code, char verb, const verb_flags& f);
/// The first `precision` code points, if there is one.
std::string_view truncated(std::string_view text, const verb_flags& f);

}  // namespace troupe::templates
