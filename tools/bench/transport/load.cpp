#include "tools/bench/transport/load.hpp"

#include <algorithm>
#include <chrono>

#include "tools/bench/load/texts.hpp"

namespace beckon::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds t1{500}, t2{4000}, give_up{32000};
constexpr milliseconds look_again{50};  ///< How often old requests are looked for.
constexpr std::size_t batch = 64;

class Load {
 public:
  Load(Link& link, Requests& requests, std::uint32_t begin, std::uint32_t end, std::uint32_t window,
       int expected)
      : link_(link),
        requests_(requests),
        begin_(begin),
        next_(begin),
        end_(end),
        window_(window),
        expected_(expected),
        waiting_(end - begin) {}

  Totals run() {
    const auto start = Clock::now();
    now_ = start;
    auto looked = start;
    const auto take = [this](std::string_view answer) { on_answer(answer); };
    while (done_ < end_ - begin_) {
      fill();
      link_.receive(20, take);
      now_ = Clock::now();
      if (now_ - looked < look_again) continue;
      looked = now_;
      look_for_old();
    }
    totals_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return totals_;
  }

 private:
  struct Waiting {
    Clock::time_point sent{}, again{};
    milliseconds interval{};
    bool open = false;
  };

  void fill() {
    while (next_ < end_ && next_ - begin_ - done_ < window_) {
      const auto room = window_ - (next_ - begin_ - done_);
      const auto count = std::min<std::size_t>({batch, room, end_ - next_});
      texts_.clear();
      for (std::size_t i = 0; i < count; ++i)
        texts_.push_back(requests_.text(next_ + static_cast<std::uint32_t>(i)));
      const std::size_t sent = link_.send(texts_);
      for (std::size_t i = 0; i < sent; ++i) waiting_[next_++ - begin_] = {now_, now_ + t1, t1, true};
      if (sent < count) return;
    }
  }

  void on_answer(std::string_view answer) {
    const auto number = number_in(answer);
    if (!number || *number < begin_ || *number >= end_) return;
    Waiting& request = waiting_[*number - begin_];
    const int status = status_in(answer);
    if (!request.open || (status >= 100 && status < 200)) return;
    request.open = false;
    ++done_;
    ++(status == expected_ ? totals_.completed : totals_.failures);
    if (requests_.keeps_challenges) requests_.challenges[*number] = challenge_in(answer);
  }

  void look_for_old() {
    // All requests in front of the window are closed.
    while (oldest_ < next_ && !waiting_[oldest_ - begin_].open) ++oldest_;
    for (std::uint32_t number = oldest_; number < next_; ++number) {
      Waiting& request = waiting_[number - begin_];
      if (!request.open) continue;
      if (now_ - request.sent > give_up) {
        request.open = false;
        ++done_;
        ++totals_.timeouts;
      } else if (!link_.is_reliable() && now_ >= request.again) {
        request.interval = std::min(2 * request.interval, t2);
        request.again = now_ + request.interval;
        ++totals_.retransmissions;
        texts_.assign(1, requests_.text(number));
        link_.send(texts_);
      }
    }
  }

  Link& link_;
  Requests& requests_;
  std::uint32_t begin_, next_, end_, window_;
  int expected_;
  std::vector<Waiting> waiting_;
  std::uint32_t done_ = 0;
  std::uint32_t oldest_ = begin_;
  Clock::time_point now_{};
  std::vector<std::string_view> texts_;
  Totals totals_;
};

}  // namespace

Totals run_load(Link& link, Requests& requests, std::uint32_t begin, std::uint32_t end, std::uint32_t window,
                int expected) {
  return Load(link, requests, begin, end, window, expected).run();
}

}  // namespace beckon::bench
