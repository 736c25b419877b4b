#include "pipeline/remote/series_cache.h"

#include "storage/base/check.h"
#include "storage/model/slot.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace troupe::remote {

namespace {

constexpr uint32_t no_ref = UINT32_MAX;
constexpr uint32_t used_bit = 1;
constexpr size_t prefetch_distance = 16;

constexpr uint32_t ref_of(size_t page, size_t position) {
  return static_cast<uint32_t>(page * series_cache::page_series + position);
}

}  // namespace

/// 16 bytes a series: 64 bits of the hash are the key, 31 more are compared.
struct series_cache::cell {
  uint64_t hash = 0;
  uint32_t check_and_use = 0;
  uint32_t ref = no_ref;

  static uint32_t check_of(const hash128& h) { return static_cast<uint32_t>(h.high) & ~used_bit; }
  bool is(const hash128& h) const { return hash == h.low && check() == check_of(h); }
  uint32_t check() const {
    return std::atomic_ref(const_cast<uint32_t&>(check_and_use)).load(std::memory_order_relaxed) &
           ~used_bit;
  }
  bool in_use() const { return (check_and_use & used_bit) != 0; }
  void mark() {
    std::atomic_ref bits(check_and_use);
    // A store only where it changes something: known series are read by all threads.
    if ((bits.load(std::memory_order_relaxed) & used_bit) == 0)
      bits.fetch_or(used_bit, std::memory_order_relaxed);
  }
};

struct series_cache::page {
  uint64_t group = 0;
  series_table_ptr table;
  std::vector<labels> added;  ///< not in the table yet; empty between requests
  std::vector<uint16_t> added_slots;

  size_t size() const { return (table ? table->series.size() : 0) + added.size(); }
};

struct series_cache::generation {
  std::vector<cell> cells;  ///< open addressing, linear probing; a power of two
  size_t used = 0;
  std::vector<page> pages;
  std::vector<uint32_t> open;  ///< per shard the page that takes new series

  explicit generation(uint32_t shards) : cells(1024), open(shards, nowhere) {}

  size_t start(const hash128& h) const { return h.low & (cells.size() - 1); }
  cell* find(const hash128& h) {
    for (size_t i = start(h);; i = (i + 1) & (cells.size() - 1)) {
      if (cells[i].ref == no_ref)
        return nullptr;
      if (cells[i].is(h))
        return &cells[i];
    }
  }
  const labels& series(uint32_t ref) const {
    return pages[ref / page_series].table->series[ref % page_series];
  }
  void put(const cell& c) {
    if ((used + 1) * 4 > cells.size() * 3) {
      std::vector<cell> old(cells.size() * 2);
      old.swap(cells);
      for (const cell& o : old)
        if (o.ref != no_ref)
          place(o);
    }
    place(c);
    ++used;
  }

 private:
  void place(const cell& c) {
    size_t i = c.hash & (cells.size() - 1);
    while (cells[i].ref != no_ref)
      i = (i + 1) & (cells.size() - 1);
    cells[i] = c;
  }
};

/// A series on its way into the current generation.
struct series_cache::added {
  uint32_t item = 0;
  labels series;
  uint16_t slot = 0;
};

series_cache::series_cache(settings s, const clock& clk)
    : settings_(std::move(s)),
      clock_(clk),
      current_(std::make_unique<generation>(settings_.shards)),
      previous_(std::make_unique<generation>(settings_.shards)),
      round_began_ns_(clk.monotonic_ns()) {
  TROUPE_CHECK(settings_.shards > 0 && settings_.max_series > 0);
}

series_cache::~series_cache() = default;

/// Sets item.page to the page's index and item.position for known series; the others are misses.
bool series_cache::probe(std::span<item> items, std::vector<uint32_t>& misses) const {
  generation& g = *current_;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i + prefetch_distance < items.size())
      __builtin_prefetch(&g.cells[g.start(items[i + prefetch_distance].hash)]);
    if (cell* c = g.find(items[i].hash)) {
      c->mark();
      items[i].page = c->ref / page_series;
      items[i].position = c->ref % page_series;
    } else {
      misses.push_back(static_cast<uint32_t>(i));
    }
  }
  return misses.empty();
}

std::vector<series_cache::page_view> series_cache::resolve(
    std::span<item> items, const std::function<labels(std::string_view)>& parse) {
  std::vector<uint32_t> misses;
  std::vector<added> fresh;
  for (;;) {
    uint64_t seen = 0;
    {
      std::shared_lock lock(mutex_);
      seen = rounds_;
      if (probe(items, misses))
        return view_pages(items);
      // What was known before the last round needs no parsing.
      for (uint32_t i : misses) {
        const cell* c = previous_->find(items[i].hash);
        fresh.push_back({i, c ? previous_->series(c->ref) : labels(), 0});
      }
    }
    for (added& a : fresh)
      if (a.series.empty())
        a.series = parse(items[a.item].key);
    std::erase_if(fresh, [](const added& a) { return a.series.empty(); });
    for (added& a : fresh)
      a.slot = slot_of(settings_.tenant, a.series);
    std::unique_lock lock(mutex_);
    const bool due = clock_.monotonic_ns() - round_began_ns_ > settings_.round_ms * 1'000'000;
    const size_t tight_bound = settings_.tight_bound ? settings_.tight_bound() : 0;
    const bool tight = tight_bound != 0 && current_->used > tight_bound;
    if (rounds_ == seen && (due || tight || current_->used > settings_.max_series))
      begin_round(tight);
    if (rounds_ == seen) {
      add(items, fresh);
      return view_pages(items);
    }
    // The places of known series were those of another generation.
    misses.clear();
    fresh.clear();
    for (item& i : items)
      i.page = nowhere;
  }
}

/// Other threads may have added the same series meanwhile: each is looked for once more.
void series_cache::add(std::span<item> items, std::span<added> fresh) {
  generation& g = *current_;
  std::vector<uint32_t> grown;
  for (added& a : fresh) {
    item& it = items[a.item];
    if (const cell* c = g.find(it.hash)) {
      it.page = c->ref / page_series;
      it.position = c->ref % page_series;
      continue;
    }
    uint32_t& open = g.open[a.slot % settings_.shards];
    if (open == nowhere || g.pages[open].size() == page_series) {
      open = static_cast<uint32_t>(g.pages.size());
      uint64_t number = next_page_++;
      g.pages.push_back(
          {xxh3({reinterpret_cast<const char*>(&number), sizeof number}, settings_.secret),
           {},
           {},
           {}});
    }
    page& p = g.pages[open];
    if (p.added.empty())
      grown.push_back(open);
    it.page = open;
    it.position = static_cast<uint32_t>(p.size());
    g.put({it.hash.low, cell::check_of(it.hash) | used_bit, ref_of(open, it.position)});
    p.added.push_back(std::move(a.series));
    p.added_slots.push_back(a.slot);
  }
  for (uint32_t i : grown) {
    page& p = g.pages[i];
    p.table = extend_series_table(p.table.get(), std::exchange(p.added, {}),
                                  std::exchange(p.added_slots, {}));
  }
}

/// Called with the lock held exclusively. Starts anew if most series are no longer sent, there are
/// too many or memory is tight; else only forgets which were in use.
void series_cache::begin_round(bool tight) {
  round_began_ns_ = clock_.monotonic_ns();
  auto& cells = current_->cells;
  auto in_use = static_cast<size_t>(
      std::count_if(cells.begin(), cells.end(), [](const cell& c) { return c.in_use(); }));
  if (tight || in_use * 2 < current_->used || current_->used > settings_.max_series) {
    previous_ = std::exchange(current_, std::make_unique<generation>(settings_.shards));
    if (tight)
      previous_ = std::make_unique<generation>(settings_.shards);
    ++rounds_;
    return;
  }
  for (cell& c : cells)
    c.check_and_use &= ~used_bit;
  previous_ = std::make_unique<generation>(settings_.shards);
}

/// Turns page indices of the current generation into indices of the answer.
std::vector<series_cache::page_view> series_cache::view_pages(std::span<item> items) const {
  std::vector<page_view> out;
  std::vector<uint32_t> place(current_->pages.size(), nowhere);
  for (item& i : items) {
    if (i.page == nowhere)
      continue;
    uint32_t& at = place[i.page];
    if (at == nowhere) {
      at = static_cast<uint32_t>(out.size());
      const page& p = current_->pages[i.page];
      out.push_back({p.group, p.table});
    }
    i.page = at;
  }
  return out;
}

size_t series_cache::series_count() const {
  std::shared_lock lock(mutex_);
  return current_->used;
}

}  // namespace troupe::remote
