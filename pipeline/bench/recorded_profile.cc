// The node profile: a recorded exporter as many hosts.
#include "pipeline/bench/noise.h"
#include "pipeline/bench/profile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace troupe::bench {
namespace {

enum class course : uint8_t { constant, counter, gauge };

/// One column, prepared.
struct track {
  recorded_column from;
  course kind = course::constant;
  bool raw = false;     ///< doubles: their quantum is the last bit
  int64_t quantum = 1;  ///< all steps are multiples of it
  bool never_negative = true;
};

template <class T>
course course_of(const std::vector<T>& values) {
  bool moves = false, falls = false;
  for (size_t i = 1; i < values.size(); ++i) {
    moves = moves || values[i] != values[i - 1];
    falls = falls || values[i] < values[i - 1];
  }
  return !moves ? course::constant : falls ? course::gauge : course::counter;
}

track prepare(const recorded_column& from) {
  track t;
  t.from = from;
  t.raw = from.made == recorded_column::form::raw;
  if (t.raw) {
    t.kind = course_of(from.doubles);
    return t;
  }
  t.kind = course_of(from.integers);
  int64_t quantum = 0;
  for (size_t i = 1; i < from.integers.size(); ++i)
    quantum = std::gcd(quantum, from.integers[i] - from.integers[i - 1]);
  t.quantum = std::max<int64_t>(quantum, 1);
  t.never_negative = *std::min_element(from.integers.begin(), from.integers.end()) >= 0;
  return t;
}

class recorded_source final : public value_source {
 public:
  recorded_source(const std::vector<track>& tracks, size_t rows, uint64_t seed, uint64_t host)
      : tracks_(tracks), rows_(rows), random_(host_seed(seed, host)) {
    row_ = random_.below(rows_);
    at_.reserve(tracks.size());
    for (const auto& t : tracks) {
      if (t.raw) {
        at_.emplace_back();
        at_.back().real = t.from.doubles[row_];
        continue;
      }
      int64_t first = t.from.integers[row_];
      // Hosts did not start at the same time: up to twice the reading.
      if (t.kind == course::counter && first > 0)
        first += t.quantum *
                 static_cast<int64_t>(random_.below(static_cast<uint64_t>(first / t.quantum) + 1));
      at_.push_back({first});
    }
  }

  void next(std::span<double> row) override {
    const size_t before = row_;
    if (started_)
      move();
    for (size_t s = 0; s < tracks_.size(); ++s) {
      const track& t = tracks_[s];
      if (started_ && t.kind != course::constant)
        t.raw ? step_raw(t, at_[s].real, before) : step(t, at_[s].integer, before);
      row[s] = t.raw ? at_[s].real : t.from.value_of(at_[s].integer);
    }
    started_ = true;
  }

 private:
  // Forwards to the last row, back to the first, and so on: gauges never jump.
  void move() {
    if (row_ + 1 == rows_)
      forward_ = false;
    else if (row_ == 0)
      forward_ = true;
    row_ += forward_ ? 1 : static_cast<size_t>(-1);
  }

  void step(const track& t, int64_t& at, size_t before) {
    const auto& v = t.from.integers;
    const int64_t quanta = std::abs(v[row_] - v[before]) / t.quantum;
    if (quanta == 0)
      return;
    if (t.kind == course::counter) {
      at += t.quantum * events(random_, quanta);
      return;
    }
    const int64_t moved = events(random_, quanta) - quanta;
    at = v[row_] + t.quantum * moved;
    if (t.never_negative && at < 0)
      at = v[row_];
  }

  void step_raw(const track& t, double& at, size_t before) {
    const double moved = std::abs(t.from.doubles[row_] - t.from.doubles[before]);
    if (moved == 0)
      return;
    const double noise = 0.01 * moved * normal(random_);
    at = t.kind == course::counter ? at + moved + noise : t.from.doubles[row_] + noise;
  }

  union reading {
    int64_t integer = 0;
    double real;
  };
  const std::vector<track>& tracks_;  ///< of the profile, which outlives its sources
  const size_t rows_;
  seeded_random random_;
  std::vector<reading> at_;
  size_t row_ = 0;
  bool forward_ = true, started_ = false;
};

class recorded_profile final : public profile {
 public:
  recorded_profile(const std::string& text, std::vector<track> tracks, size_t rows)
      : profile("node", text), tracks_(std::move(tracks)), rows_(rows) {}

  std::unique_ptr<value_source> source(uint64_t seed, uint64_t host) const override {
    return std::make_unique<recorded_source>(tracks_, rows_, seed, host);
  }

 private:
  const std::vector<track> tracks_;
  const size_t rows_;
};

}  // namespace

result<profile_ptr> make_recorded_profile(const recording& from, size_t width) {
  const size_t all = from.columns.size();
  if (width > all)
    return {errc::invalid_argument, "the recording has only " + std::to_string(all) + " series"};
  const size_t n = width == 0 ? all : width;
  std::string text, comments;
  std::vector<track> tracks;
  size_t column = 0;
  for (size_t at = 0; at < from.text.size();) {
    const auto eol = from.text.find('\n', at);
    const auto line = from.text.substr(at, eol + 1 - at);
    at = eol + 1;
    if (line[0] == '#' || line == "\n") {
      // A HELP line starts a family; those without a chosen series are left out.
      if (line.starts_with("# HELP"))
        comments.clear();
      comments += line;
      continue;
    }
    // Column i is chosen where i * n / all takes a new value: n of them, evenly.
    const bool chosen = (column + 1) * n / all != column * n / all;
    if (chosen) {
      text += comments + line;
      comments.clear();
      tracks.push_back(prepare(from.columns[column]));
    }
    ++column;
  }
  auto made = std::make_shared<recorded_profile>(text, std::move(tracks), from.rows);
  if (made->width() != n)
    return {errc::corruption, "recording: a line is not a series"};
  return profile_ptr(std::move(made));
}

}  // namespace troupe::bench
