#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/direct/endpoint.hpp"
#include "media/session/rtp_session.hpp"
#include "media/stream/files.hpp"
#include "media/stream/pump.hpp"
#include "media/stream/tone.hpp"

namespace beckon::stream {

/// The figures of one call.
struct CallStatistics {
  session::Statistics rtp;
  jitter::Counters playout;
  std::filesystem::path record;  ///< Empty: none.
  std::string codec{};           ///< As in rtpmap.
  Duration buffered{};           ///< How long packets wait for their turn, on average.
  std::optional<double> mos{};   ///< Of what is heard here (quality.hpp); empty before anything was.
};

/// The figures of a call whose audio is `pump`.
CallStatistics make_statistics(const session::Statistics& rtp, const Pump& pump,
                               const std::filesystem::path& record);

/// What `Calls` reports to its owner. Callbacks run inside the call that caused them, and may call `Calls`
/// again.
class User {
 public:
  enum class Direction { sent, received };
  virtual ~User() = default;
  virtual void on_event(const direct::Event& event, Time now) = 0;
  /// The first media packet of a call in one direction.
  virtual void on_first_media(direct::CallId call, Direction direction, Duration after_begin) = 0;
  /// Follows every direct::Ended of a call that had audio; the recording is closed and valid.
  virtual void on_finished(direct::CallId call, const CallStatistics& statistics) = 0;
  /// A tone that was asked for is heard in what a call plays (ToneMeter).
  virtual void on_tone(direct::CallId /*call*/, int /*hertz*/) {}
};

/// Where datagrams leave.
class Network {
 public:
  virtual ~Network() = default;
  virtual void send(const Address& to, ByteView datagram) = 0;
};

/// Direct calls with their audio: an Endpoint, and a Pump on a 20 ms clock for each of its sessions. It opens
/// files, but no socket and no clock: the owner of `timers` advances them, the owner of the network hands in
/// what arrives. One thread.
class Calls final : private direct::Sink {
 public:
  Calls(direct::Identity identity, Random& random, TimerQueue& timers, direct::Trust& trust, Network& network,
        User& user);
  ~Calls() override;
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /// For everything that needs no audio: policy, epochs, permits, accept, reject, hang_up.
  direct::Endpoint& endpoint() { return endpoint_; }
  const direct::Endpoint& endpoint() const { return endpoint_; }

  /// What the payload types of the own published audio stand for; incoming calls need it.
  void set_codecs(std::vector<AudioCodec> codecs) { codecs_ = std::move(codecs); }
  /// For incoming calls from now on. A file that cannot be opened then is logged and left out. A recording
  /// that another call is writing gets a number before its extension.
  void set_files(Files files) { files_ = std::move(files); }
  /// In every call, those to come included.
  void listen_for(int hertz);

  /// Dials; the first audio packet follows the HELLO at once if the offer allows. `codec` is what the audio
  /// line of the offer carries. Errors: those of Endpoint::call and of the files, Errc::no_codec.
  Result<direct::CallId> call(const direct::Offer& offer, const AudioCodec& codec, const Files& files,
                              Time now);

  void on_datagram(const Address& from, ByteView datagram, Time now) {
    endpoint_.on_datagram(from, datagram, now);
  }
  void on_unreachable(const Address& to, Time now) { endpoint_.on_unreachable(to, now); }

  /// Empty for a call without audio, and after its end.
  std::optional<CallStatistics> statistics(direct::CallId call) const;

 private:
  /// A call that came in and is not answered yet.
  struct Expected {
    AudioCodec codec;
    std::optional<Files> files;  ///< Of the own call whose place it takes.
  };
  struct Call {
    Call(Pump made, Files chosen, TimerQueue& timers, Time first)
        : pump(std::move(made)), files(std::move(chosen)), timer(timers), sending{first} {}
    Pump pump;
    Files files;
    ToneMeter meter;
    Timer timer;
    Beat sending;
    std::optional<Beat> playing;  ///< From when the first packet is due.
  };

  void send(const Address& to, ByteView datagram) override;
  void on_media(direct::CallId call, direct::MediaKind kind, const rtp::Packet& packet, Time now) override;
  void on_event(const direct::Event& event, Time now) override;

  void expect(const direct::Incoming& incoming);
  void answered(direct::CallId call, Time now);
  void start(direct::CallId call, Pump pump, const Files& files, Time now);
  void on_tick(direct::CallId call, Time now);
  void set_timer(direct::CallId id, Call& call);
  void play(direct::CallId id, Call& call, Time due);
  void send_frame(direct::CallId call, Time now);
  void finish(direct::CallId call);
  std::optional<Files> hand_over(direct::CallId call);
  std::filesystem::path free_path(const std::filesystem::path& record) const;
  Call* find(direct::CallId call);
  CallStatistics figures(direct::CallId id, const Call& call) const;

  TimerQueue& timers_;
  Network& network_;
  User& user_;
  std::vector<AudioCodec> codecs_;
  Files files_;
  ToneMeter listening_;  ///< For what a new call listens.
  std::map<direct::CallId, Expected> expected_;
  std::map<direct::CallId, std::unique_ptr<Call>> calls_;
  direct::Endpoint endpoint_;
};

}  // namespace beckon::stream
