#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/publication/package.hpp"

namespace beckon::server::presence {

/// The secret and the grants of one <direct> (DIRECT_SESSIONS 3): in memory only, wiped at its end. Not
/// copied, so that the secret stands in one place.
class DirectOffer {
 public:
  explicit DirectOffer(const documents::Published& published) : published_(published) {}
  DirectOffer(const DirectOffer&) = delete;
  DirectOffer& operator=(const DirectOffer&) = delete;
  DirectOffer(DirectOffer&& other) noexcept;
  DirectOffer& operator=(DirectOffer&& other) noexcept;
  ~DirectOffer() { wipe(); }

  const documents::Published& published() const { return published_; }
  /// The <grant> of a watcher permitted `mode`: made once, then the same for as long as the epoch lives
  /// (DIRECT_SESSIONS 3.6). Empty for an AOR too long to have one.
  std::string_view grant(const std::string& watcher, ds1::Mode mode, Random& random);
  /// Watchers that hold a grant, with any mode.
  void each_holder(const std::function<void(const std::string&)>& visit) const;
  /// Takes over the grants of `before` where it is the same epoch and secret.
  void inherit(DirectOffer& before);

 private:
  void wipe();

  documents::Published published_;
  std::map<std::pair<std::string, ds1::Mode>, std::string> grants_;
};

/// How a PUBLISH came in.
struct Arrival {
  bool secure = false;           ///< Over TLS.
  bool requires_direct = false;  ///< With `Require: beckon-direct`.
  transaction::FlowId flow = 0;
  std::optional<WallTime> at{};  ///< Absent: unknown.
};

/// A published presence document: its text without any <direct>, and each <direct> apart. Documents are many
/// and most have no watcher, so the text is parsed again when somebody asks for the presentity's state.
class Document final : public publication::State {
 public:
  /// A <direct> that watchers may get.
  struct Offer {
    std::uint32_t tuple = 0;     ///< Which of the document's tuples.
    std::uint32_t position = 0;  ///< Among the elements of its <status> after <basic>.
    std::string tuple_id;        ///< As published.
    xml::Fragment shown;         ///< Without secret.
    DirectOffer direct;
  };

  /// `text` has passed documents::check_pidf and has no <direct>. `published`: when the device said so first.
  explicit Document(std::string_view text, std::optional<WallTime> published = {});
  ~Document() override;

  /// Without any <direct>.
  documents::Presence parse() const;
  std::string_view text() const { return std::string_view(text_).substr(time_size_); }
  std::optional<WallTime> published() const;
  /// The device says when it was used last (RFC 4480 3.14): its user permits that to be known.
  bool tells_last_input() const;
  std::span<Offer> offers() { return live_ ? std::span(live_->offers) : std::span<Offer>(); }
  std::span<const Offer> offers() const {
    return live_ ? std::span<const Offer>(live_->offers) : std::span<const Offer>();
  }

  /// The publication had <direct>; of them, `offers` live on `flow`.
  void add_direct(std::vector<Offer> offers, transaction::FlowId flow);
  /// The parsed text, kept until the change is announced.
  void keep_parsed(xml::Document parsed);

  bool supersedes(const event::EventState& restored) const override;
  std::string_view stored() const override { return text_; }
  bool is_stored_whole() const override { return is_whole_; }
  transaction::FlowId flow() const override { return live_ ? live_->flow : 0; }
  void move_to(transaction::FlowId flow) override;
  void drop_flow_parts() override { live_.reset(); }
  /// The same text again is not newer.
  void modifies(const State& before) override;
  void inherit(State& before) override;
  void on_announced() override { parsed_.reset(); }

 private:
  struct Live {
    std::vector<Offer> offers;  ///< Not empty; by rising `tuple`, at most one for each.
    transaction::FlowId flow = 0;
  };

  std::string text_;  ///< After the milliseconds of `published`, as decimal digits.
  std::unique_ptr<Live> live_;
  std::unique_ptr<xml::Document> parsed_;
  std::uint8_t time_size_ = 0;  ///< Digits; 0: the time is unknown.
  bool is_whole_ = true;
};

/// Reads a published presence document as the server checks it: leniently (DIRECT_SESSIONS 3.1, 3.2). A fault
/// in <direct> costs that <direct> only. Refused are what is no presence document, or one with an id twice
/// (400), a <secret> that came over a hop without TLS (403), and more than `elements_max` children of
/// <presence> (no status). `keep_parsed`: somebody will ask for the state as soon as it is announced.
publication::Reading read_document(std::string_view body, const Arrival& arrival, std::uint32_t elements_max,
                                   bool keep_parsed);
/// Reads what `Document::stored` gave.
publication::Reading restore_document(std::string_view stored, std::uint32_t elements_max);

}  // namespace beckon::server::presence
