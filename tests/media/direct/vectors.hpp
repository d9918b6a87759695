#pragma once

#include <algorithm>
#include <string_view>

#include "media/direct/hello.hpp"
#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

/// The test vectors of DIRECT_SESSIONS 15, under their names there.
namespace vectors {

inline beckon::Bytes hex(std::string_view text) { return beckon::from_hex(text).value(); }

template <class Array = beckon::crypto::Key32>
Array array(std::string_view text) {
  const auto bytes = hex(text);
  Array out{};
  std::copy_n(bytes.begin(), std::min(out.size(), bytes.size()), out.begin());
  return out;
}

inline beckon::crypto::KeyPair pair(std::string_view secret, std::string_view pub) {
  return {array(secret), array(pub)};
}

inline const auto secret = array("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
inline const beckon::ds1::Epoch epoch{0x3f, 0x9a, 0x11, 0xc2};
inline const beckon::direct::Tag tag{0xc0, 0xff, 0xee};
inline const auto a_device = pair("e79d22bbd52a4c4f1897e7f1839100faa495433ceb2ce0946ee8f2346ac46b85",
                                  "0a6737678ad1ac9dd5d9a5bd48e6d1ab6077699538833704e24f9ab7dbff0e1f");
inline const auto b_device = pair("fe153d5d3d5af2810832e583bfdce1a2c87cbf94bd4188335bb0d2b7441721c4",
                                  "753074486ebdf648a18de1cc60aadf8ab253911110745cc7f8d7f9196859595f");
inline const beckon::Bytes ticket =
    hex("a0a1a2a3a4a5a6a7a8a9aaab7a29a379f2d3d8d6f30a3ead3b784dc69fa774bcd293f2395f8c4ef9f3b2f8fdd08df2fcddd3"
        "22fffa74"
        "ae9446e2ee97");
inline const auto psk = array("4b3a8d1ae0df7e92d97a28efba6a9f8f332ad0d1b15f605dfb58f9eb2c0014b0");
constexpr std::string_view mac_key = "f93f2debb6c2e2b843a100b3581de76e03304202cf7774d70b690f27d13077ab";
inline const auto hpke = pair("0ac1b1fc121f055100bbead12d8ada4b8c2789f3ea0184b27402e3f93686b4cc",
                              "19a43c259390c92fa40f100681dcfbc8e8d21d23cd928192192066ca6e8f0763");
constexpr std::string_view cdk = "f7712899d1a8d0978a93f31059d472a938bd7875225a639e9251c6ae8a8d8f82";
constexpr std::string_view hpke_key = "87a947f6f25f6d3e543754666daa0efd";
constexpr std::string_view base_nonce = "63a1e52d60214c684282aa71";
constexpr std::string_view exporter_secret =
    "2d9b6469e150510500148c96a140c4c8ebc79cd9457e02646f4b6ee967078236";
inline const auto b_ephemeral = pair("238b408c77efadca90a8715d909fe088ce3aacc016c430b52be169edb5535b9b",
                                     "450fd0f3a4764e74dd5877fb7e30aeffa2e72f3df430df034adab51eddd0da2e");
constexpr std::string_view body =
    "0103c0ffee020801016f001234abcd0320450fd0f3a4764e74dd5877fb7e30aeffa2e72f3df430df034adab51eddd0da2e040102"
    "0808d1d2"
    "d3d4d5d6d7d8";
constexpr std::string_view mac = "a5d1602c754df40493b33c4c7493e208";
constexpr std::string_view proof = "5ef066a651030184efdd6c2a0da911c9";
constexpr std::string_view hello_packet =
    "000100f02112a442101112131415161718191a1bcb0100e20100003c3f9a11c219a43c259390c92fa40f100681dcfbc8e8d21d23"
    "cd9281921"
    "92066ca6e8f0763f7712899d1a8d0978a93f31059d472a938bd7875225a639e9251c6ae8a8d8f82a0a1a2a3a4a5a6a7a8a9aaab7"
    "a29a379f2"
    "d3d8d6f30a3ead3b784dc69fa774bcd293f2395f8c4ef9f3b2f8fdd08df2fcddd322fffa74ae9446e2ee97884bdfa533834e941d"
    "cb96056c4"
    "33e2136e6076038514712356a0102f0a38585eb5041a71e5f8fad6c35a9a8dad2cbe1ce06d6e4317c68d6ad1936b431a7f81a044"
    "d97470071"
    "0692b71c164904e5a5d1602c754df40493b33c4c7493e2080000802800041546d793";
constexpr std::string_view phase0_c2s = "594c1381e6c31fc530d1f09c5857b6b5c43d3daec2e5fc25886bc62d";
constexpr std::string_view phase0_s2c = "299acfc67583ff949755853955e3c0c6f5bde467714b8709d1c59981";
constexpr std::string_view stun_c2s = "c73e1a77bba864b13c6efd9b93af525afff792e67987b949447620a046f78f09";
constexpr std::string_view stun_s2c = "f8fcbf39a2a9bb2f4f4b40555f9527508ce4b57de26deb5fdbab18e13b6de29f";
inline const auto a_ephemeral = pair("2fcc16bd0cad31d494af71eb7800d68474bbd5b576cce065562c371a1fbf70fc",
                                     "bc07ff891a737ace4e0cbc835b774cf29804736780201d123b9a1150d0e4d90d");
constexpr std::string_view ee = "9a558223f9ba54f1b33681e5f7a9f0859f16e38f596ff3adb4c98cf58e945672";
constexpr std::string_view se = "b045d3c7361567b4b8c9e9e27a631df34a5b966a2977d581dd2282562b557c4b";
constexpr std::string_view fs = "8ed1abfe696714ff8767bac646b4d25ae5877af670161823a7982dd950f5c8a2";
constexpr std::string_view prk = "84bbe6c9e4e364e406ea5bf835b873379a067066d6c5f2cb550b71bd5f6f40aa";
constexpr std::string_view phase1_c2s = "347b06189ca0083e45f96fc3b4b5104643e73919e1e97aadbddcccf5";
constexpr std::string_view phase1_s2c = "8db4a8a951ba2f11f4809cdc32f28efe0a9d2e9b7262acba8d13935f";

inline beckon::direct::HelloBody hello_body() {
  beckon::direct::HelloBody out;
  out.tag = tag;
  out.media = {{beckon::direct::MediaKind::audio, beckon::direct::Direction::sendrecv, 111, 0x1234abcd}};
  out.ephemeral = b_ephemeral.pub;
  out.attempt = {0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
  return out;
}

inline beckon::direct::HelloTarget target() { return {a_device.pub, epoch, {ticket, psk}}; }

}  // namespace vectors
