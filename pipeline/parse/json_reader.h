// Reads JSON (RFC 8259) value by value, without a tree: memory is what the caller keeps. The first
// error sticks: what is read after it is empty, objects and arrays end. One owner.
#pragma once

#include "storage/base/result.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace troupe::parse {

class json_reader {
 public:
  enum class kind : uint8_t { none, object, array, string, number, boolean, null };
  static constexpr size_t max_depth = 128;

  /// `text` outlives the reader. Positions in errors are counted from `offset`.
  explicit json_reader(std::string_view text, size_t offset = 0) : text_(text), offset_(offset) {}

  /// Of the next value; none at the end and after an error.
  kind next();
  /// Reads an object: `member(key)` must read the value or skip() it. The key lives until then.
  template <class F>
  void object(F member) {
    if (!enter('{', "an object"))
      return;
    for (bool first = true; !closes('}', first); first = false) {
      const std::string_view key = member_key();
      if (failed_)
        return;
      member(key);
    }
    --depth_;
  }
  /// Reads an array: `element()` must read the value or skip() it.
  template <class F>
  void array(F element) {
    if (!enter('[', "an array"))
      return;
    for (bool first = true; !closes(']', first); first = false)
      element();
    --depth_;
  }
  /// Without escapes: a view of the text, or of memory of the reader's.
  std::string_view string();
  /// As it is written.
  std::string_view number();
  bool boolean();
  void null();
  /// The text of the next value, which is checked on the way.
  std::string_view raw();
  void skip() { raw(); }
  /// An error unless only blanks are left.
  void finish();

  void fail(std::string_view why);
  /// Fails as `other`, which read a part of the text, did.
  void adopt_failure(const json_reader& other);
  bool failed() const { return failed_; }
  /// Position in the text given, offset included.
  size_t position() const { return offset_ + at_; }
  /// invalid_argument with the position of the first error; ok without one.
  status error() const;

 private:
  void skip_blanks();
  bool take(char c);
  bool enter(char open, std::string_view what);
  bool closes(char close, bool first);
  std::string_view member_key();
  void literal(std::string_view word);
  size_t string_end();
  std::string_view unescaped(std::string_view inside);
  bool hex4(std::string_view inside, size_t at, uint32_t& out) const;

  std::string_view text_;
  size_t offset_;
  size_t at_ = 0;
  size_t depth_ = 0;
  bool failed_ = false;
  size_t failed_at_ = 0;
  std::string why_;
  std::deque<std::string> texts_;  ///< without their escapes
};

}  // namespace troupe::parse
