/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_fixtures.h — certificates and keys for tests, made with `openssl ca`: valid from 2020 to
 * 2120, so that no test begins to fail one day. The keys protect nothing.
 */
#ifndef TESTS_UNIT_TLS_FIXTURES_H
#define TESTS_UNIT_TLS_FIXTURES_H

/* the trust anchor */
static const char fixture_root[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBdDCCARqgAwIBAgIUPPauxK6WNhj+iIoDUeMo4AtisAwwCgYIKoZIzj0EAwIw\n"
	"FzEVMBMGA1UEAwwMZml4dHVyZSByb290MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAw\n"
	"MTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxmaXh0dXJlIHJvb3QwWTATBgcqhkjOPQIB\n"
	"BggqhkjOPQMBBwNCAASSTjiNjNuKbm4SFz5Jka8nE2uwIv7a5tZN5G8ttCRl5hDN\n"
	"YObaooVmFEjVoe8yA8kfUFgombaeEf2L4BWkFL8go0IwQDAPBgNVHRMBAf8EBTAD\n"
	"AQH/MA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQURzDPLA4JbIpYx34ZjxSSeXwG\n"
	"OawwCgYIKoZIzj0EAwIDSAAwRQIgaGb4uD3Tsd51lVop940sotFLaKlPhgOeTL6T\n"
	"zWZaQUcCIQDIwFbCz6Z7aDY6GX4h4i7VmTKTFG5fZlBWqw2C4gmXCg==\n"
	"-----END CERTIFICATE-----\n";

/* issued by the root */
static const char fixture_intermediate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBoTCCAUagAwIBAgIUL2dgD2q8yZsmC+gvZ5ZUjF5KfjEwCgYIKoZIzj0EAwIw\n"
	"FzEVMBMGA1UEAwwMZml4dHVyZSByb290MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAw\n"
	"MTAxMDAwMDAwWjAfMR0wGwYDVQQDDBRmaXh0dXJlIGludGVybWVkaWF0ZTBZMBMG\n"
	"ByqGSM49AgEGCCqGSM49AwEHA0IABFcJsyW00cMwBvT8/WOO80Wy6wa9NHgaTIe7\n"
	"ourEWLzLB9GLRdY2JFFnWCXnqXOatUWGzgtlPdxQOuN6OzmmBTWjZjBkMBIGA1Ud\n"
	"EwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBS1GcicwuA7\n"
	"Q5rHU2XQUzOoG7HdwjAfBgNVHSMEGDAWgBRHMM8sDglsiljHfhmPFJJ5fAY5rDAK\n"
	"BggqhkjOPQQDAgNJADBGAiEAnaBGU/Uho9m2I7AdNgyg6fbZiwUnAUkoKGD72C//\n"
	"r3ECIQC6M3aBrfb+Lk6ZArFnQtaKQZCR1ot/kGDH+YSseXKaxQ==\n"
	"-----END CERTIFICATE-----\n";

/* site.test, issued by the intermediate */
static const char fixture_p256_cert[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBxTCCAWqgAwIBAgIUNcW4UZmNDIlBAA7Tv5dBqXycWUEwCgYIKoZIzj0EAwIw\n"
	"HzEdMBsGA1UEAwwUZml4dHVyZSBpbnRlcm1lZGlhdGUwIBcNMjAwMTAxMDAwMDAw\n"
	"WhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCXNpdGUudGVzdDBZMBMGByqG\n"
	"SM49AgEGCCqGSM49AwEHA0IABCbUtBczyAYPFfqqYT48YDja2nvv5HwDRznmSWf5\n"
	"XTwSPDe3TS3HFwjzkeE5Xu3J1POUfZfhLAHXDuU+lewhwZWjgYwwgYkwDAYDVR0T\n"
	"AQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwEwFAYD\n"
	"VR0RBA0wC4IJc2l0ZS50ZXN0MB0GA1UdDgQWBBTLplYTPoGRcomZyJHsHi+5hkj5\n"
	"szAfBgNVHSMEGDAWgBS1GcicwuA7Q5rHU2XQUzOoG7HdwjAKBggqhkjOPQQDAgNJ\n"
	"ADBGAiEAo9L8yawhBb/BUMv/YZzbC6iXgFWxfw4NYSnyZGFpcl8CIQCB2KBQO3Ip\n"
	"4LgvT+ZmYBtoTMQFiwlLI9LBJdQexG1kfw==\n"
	"-----END CERTIFICATE-----\n";

/* PKCS#8 */
static const char fixture_p256_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDWsDnk+YNA04GmE7\n"
	"gbvkCCkJvEXrQm09AikEsf+1SjyhRANCAAQm1LQXM8gGDxX6qmE+PGA42tp77+R8\n"
	"A0c55kln+V08Ejw3t00txxcI85HhOV7tydTzlH2X4SwB1w7lPpXsIcGV\n"
	"-----END PRIVATE KEY-----\n";

/* the same key, RFC 5915 */
static const char fixture_p256_key_sec1[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIA1rA55PmDQNOBphO4G75AgpCbxF60JtPQIpBLH/tUo8oAoGCCqGSM49\n"
	"AwEHoUQDQgAEJtS0FzPIBg8V+qphPjxgONrae+/kfANHOeZJZ/ldPBI8N7dNLccX\n"
	"CPOR4Tle7cnU85R9l+EsAdcO5T6V7CHBlQ==\n"
	"-----END EC PRIVATE KEY-----\n";

/* the same key behind a password */
static const char fixture_p256_key_encrypted[] =
	"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi8Ck6CrnIt8QICCAAw\n"
	"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEA5J9X9hL5KE9V49GbI1ErkEgZBU\n"
	"RbhJAfvIjWn/qUin8hrO9xoEhLa/6fJv7HcHE3IU+1lEGVhh3BgG2LsUBzzxFo+p\n"
	"nj2m/I+Yvl4ZwgMzVweg6WgVucjDsNc2Dq2eY70Z2N68uIp9HrT6L4eRiMTWM4RY\n"
	"QqcvL83mm6yxMj6Z+QfD3dZs9wo2A5HXcOGm9iejaRUJSEfiBejpdjjc/YdvP44=\n"
	"-----END ENCRYPTED PRIVATE KEY-----\n";

/* site.test */
static const char fixture_p384_cert[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIB4TCCAYegAwIBAgIUJ7kPhsu3e3snd8SwE9aDUO9yp84wCgYIKoZIzj0EAwIw\n"
	"HzEdMBsGA1UEAwwUZml4dHVyZSBpbnRlcm1lZGlhdGUwIBcNMjAwMTAxMDAwMDAw\n"
	"WhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCXNpdGUudGVzdDB2MBAGByqG\n"
	"SM49AgEGBSuBBAAiA2IABBz63SvkXNfFzw1QcegAn7hfvj/ExxzLB8KfzP7/NXq4\n"
	"xpzy0ykcmKBYb+OsDtoHIvaKlUsGawszR/QcuceFt7Fefs4/oZWy/lfkxEOcr7RH\n"
	"ndymQYohhJf7DPSXvrNn1qOBjDCBiTAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQE\n"
	"AwIHgDATBgNVHSUEDDAKBggrBgEFBQcDATAUBgNVHREEDTALgglzaXRlLnRlc3Qw\n"
	"HQYDVR0OBBYEFJJ9uuKVvE4bfMX+b1jM78czBimEMB8GA1UdIwQYMBaAFLUZyJzC\n"
	"4DtDmsdTZdBTM6gbsd3CMAoGCCqGSM49BAMCA0gAMEUCIQCG2E4Pge/4DJLiNejP\n"
	"CuW8ZJ+Hk9p+wAg0ZTHO6ymbggIgNs/K0W9oHOYYMhxi+6/mxsVQfj9zM1jVTR8d\n"
	"T1ldF9I=\n"
	"-----END CERTIFICATE-----\n";

static const char fixture_p384_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCBVTxbXcCll/hu1sGX\n"
	"ANGxFjpbjZGA1+krokP42JeTuNsvjMzlOOAcwgcJn9O+HLmhZANiAAQc+t0r5FzX\n"
	"xc8NUHHoAJ+4X74/xMccywfCn8z+/zV6uMac8tMpHJigWG/jrA7aByL2ipVLBmsL\n"
	"M0f0HLnHhbexXn7OP6GVsv5X5MRDnK+0R53cpkGKIYSX+wz0l76zZ9Y=\n"
	"-----END PRIVATE KEY-----\n";

/* site.test */
static const char fixture_rsa_cert[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIICjzCCAjWgAwIBAgIUUGVp6jnmSxe0ct0i2VzUxlvldHkwCgYIKoZIzj0EAwIw\n"
	"HzEdMBsGA1UEAwwUZml4dHVyZSBpbnRlcm1lZGlhdGUwIBcNMjAwMTAxMDAwMDAw\n"
	"WhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCXNpdGUudGVzdDCCASIwDQYJ\n"
	"KoZIhvcNAQEBBQADggEPADCCAQoCggEBAIEZthl2KU8GHPr5CNajEQnEBuhUniHE\n"
	"L8nBGa0X/DQspQtAqd2+0ytS6ojktDpSgB71ORi1JkLAnPdxRgbkFiBPe/IP4Xfd\n"
	"hF4JzhaZEGzuj0iEzMnV4+6fYGZ0aNbwENQ46+b6YKc6GxcdHQgJqomLnuzjuRog\n"
	"B/QLEsxAhHUgwngc0kelLtdEnypvi+ZgSab5vIYizZ0wmYzfwhqWrkdoGhPzMnJ5\n"
	"cz4idV3kGVjKCKrH4gyyiweUoLWO12VTvZKPR0683qD6xanxMreHj0YJSalG72vI\n"
	"Vkpqgb0QCv99YUCaGA0+MKAlzZK6PoaSvljh3wyjN69+z7/savYfntMCAwEAAaOB\n"
	"jDCBiTAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggr\n"
	"BgEFBQcDATAUBgNVHREEDTALgglzaXRlLnRlc3QwHQYDVR0OBBYEFD5xsGQo4leA\n"
	"TAOyVdpGlclwsb9uMB8GA1UdIwQYMBaAFLUZyJzC4DtDmsdTZdBTM6gbsd3CMAoG\n"
	"CCqGSM49BAMCA0gAMEUCIQDxbtIgdlI45ObdtYWYnpKipaU8eZhDrST1NEAt4qa/\n"
	"CQIgXANWVz0oQCmvV2VOhPeEhJf4vy8Zgq7efdVTGPC2Ktc=\n"
	"-----END CERTIFICATE-----\n";

/* PKCS#8 */
static const char fixture_rsa_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCBGbYZdilPBhz6\n"
	"+QjWoxEJxAboVJ4hxC/JwRmtF/w0LKULQKndvtMrUuqI5LQ6UoAe9TkYtSZCwJz3\n"
	"cUYG5BYgT3vyD+F33YReCc4WmRBs7o9IhMzJ1ePun2BmdGjW8BDUOOvm+mCnOhsX\n"
	"HR0ICaqJi57s47kaIAf0CxLMQIR1IMJ4HNJHpS7XRJ8qb4vmYEmm+byGIs2dMJmM\n"
	"38Ialq5HaBoT8zJyeXM+InVd5BlYygiqx+IMsosHlKC1jtdlU72Sj0dOvN6g+sWp\n"
	"8TK3h49GCUmpRu9ryFZKaoG9EAr/fWFAmhgNPjCgJc2Suj6Gkr5Y4d8Mozevfs+/\n"
	"7Gr2H57TAgMBAAECggEAA5oYixBRabuFbnkpRnfJP2kBOlU2DkIfhTUGht5O8pO2\n"
	"TSCSPLYYxTIsigI7hw8LNRHpdGeFeEJQftThu8p8VY1yK1hHFaWQDmGepuHBZBCp\n"
	"3b+ayRzXHa7DrUgdLrYG+izWZBzjOnc0D0qIJ1PBttG27uwRm4l+P1BZx2obZ/sm\n"
	"XOFSILRP7mKPCHM+438Gid+PuKIxjO70tnvHX7j9lLwh5QtHYHkhOJis6MVw42eV\n"
	"4tniNXYyDT0KhCktuHhxu2xeOAOfOgductue+/r8878dcyNNJdRYf+YwOcIxt9Jj\n"
	"jvOBP0ChxA97+nbEl56NCRSQ5kx6m73rwB3rzQDWyQKBgQC10XxgXIC3sm3UZyKl\n"
	"U1mfbRqhTm5FKb7vIPeDYx6A7PHiJVPaIRW7eimRArwKKWI8yKmIizdGCMPP5ffO\n"
	"BcsOki5X0XaxYmseNwyRA2YDIz8sitEvN4O7TcPeQsSkiDTdRQefMFjT+hk6eCQs\n"
	"/bcxWE8wUbHdGbWJ6/2aTObJGwKBgQC1xfZWVXwo7FkmC5L++K6YvVKY/Db+CatB\n"
	"6nkrrPzuChGbPcVwA3m90vehlLg+G87wktZyzGXYx8fR1Sm1fTEm3Vz+1iFAZ2ut\n"
	"Ai3Ofb4nKLr3Nku1i6HffD1WRanoP6+ld2XsMPx10psYQZz9q2s+ppryF4DfWXCU\n"
	"k13H69hUqQKBgEgP4mLy5tVn893mjrXGBlSI0rAyPMRO2m0+vLsncvSYdPoz3zsq\n"
	"N8nZjlX6JntEkboTshX7T4oDeVCSDhhq9WMuDw4haBDAOEJ+gQ2Mskb2FljaIDS9\n"
	"pQl8tfAGuJeZoJI+hNnUOLCzhIJHEdd/K7d0D9bP2lYOlYQ3s4kPh70XAoGAXaL8\n"
	"orymmO4nflG4B2BTkJr2UZibO4H/lpUSlk0mffjx2OaZLnqb3A0xQys5PcVVdNgv\n"
	"YDOqw2EmrhEAy10SVNLzdNMZjfO4pAbbUeO0cLeqmG5/0aV8XYPClQ6N1/X2pWY8\n"
	"Os+BPbCf9H7YQFRtiniImO1ClcudEuxXAwWbCwECgYEAh+qdNaGJImI8k9pEVqLb\n"
	"HAsjrA6Titp1YkvRGYDwY9eVD6hrKsGzR3hnpsSpMLOvwTJQiu/CAqQkrw4CMSMR\n"
	"MjRFLpC25GEiV/24wZMqquQC/8dFPoPuXLxWgr8uHpDZeBf4pzd3RP2C3uogbFZQ\n"
	"Hm8B+6l2od3/iaeTWOCoZdQ=\n"
	"-----END PRIVATE KEY-----\n";

/* the same key, PKCS#1 */
static const char fixture_rsa_key_pkcs1[] =
	"-----BEGIN RSA PRIVATE KEY-----\n"
	"MIIEowIBAAKCAQEAgRm2GXYpTwYc+vkI1qMRCcQG6FSeIcQvycEZrRf8NCylC0Cp\n"
	"3b7TK1LqiOS0OlKAHvU5GLUmQsCc93FGBuQWIE978g/hd92EXgnOFpkQbO6PSITM\n"
	"ydXj7p9gZnRo1vAQ1Djr5vpgpzobFx0dCAmqiYue7OO5GiAH9AsSzECEdSDCeBzS\n"
	"R6Uu10SfKm+L5mBJpvm8hiLNnTCZjN/CGpauR2gaE/MycnlzPiJ1XeQZWMoIqsfi\n"
	"DLKLB5SgtY7XZVO9ko9HTrzeoPrFqfEyt4ePRglJqUbva8hWSmqBvRAK/31hQJoY\n"
	"DT4woCXNkro+hpK+WOHfDKM3r37Pv+xq9h+e0wIDAQABAoIBAAOaGIsQUWm7hW55\n"
	"KUZ3yT9pATpVNg5CH4U1BobeTvKTtk0gkjy2GMUyLIoCO4cPCzUR6XRnhXhCUH7U\n"
	"4bvKfFWNcitYRxWlkA5hnqbhwWQQqd2/mskc1x2uw61IHS62Bvos1mQc4zp3NA9K\n"
	"iCdTwbbRtu7sEZuJfj9QWcdqG2f7JlzhUiC0T+5ijwhzPuN/Bonfj7iiMYzu9LZ7\n"
	"x1+4/ZS8IeULR2B5ITiYrOjFcONnleLZ4jV2Mg09CoQpLbh4cbtsXjgDnzoHbnLb\n"
	"nvv6/PO/HXMjTSXUWH/mMDnCMbfSY47zgT9AocQPe/p2xJeejQkUkOZMepu968Ad\n"
	"680A1skCgYEAtdF8YFyAt7Jt1GcipVNZn20aoU5uRSm+7yD3g2MegOzx4iVT2iEV\n"
	"u3opkQK8CiliPMipiIs3RgjDz+X3zgXLDpIuV9F2sWJrHjcMkQNmAyM/LIrRLzeD\n"
	"u03D3kLEpIg03UUHnzBY0/oZOngkLP23MVhPMFGx3Rm1iev9mkzmyRsCgYEAtcX2\n"
	"VlV8KOxZJguS/viumL1SmPw2/gmrQep5K6z87goRmz3FcAN5vdL3oZS4PhvO8JLW\n"
	"csxl2MfH0dUptX0xJt1c/tYhQGdrrQItzn2+Jyi69zZLtYuh33w9VkWp6D+vpXdl\n"
	"7DD8ddKbGEGc/atrPqaa8heA31lwlJNdx+vYVKkCgYBID+Ji8ubVZ/Pd5o61xgZU\n"
	"iNKwMjzETtptPry7J3L0mHT6M987KjfJ2Y5V+iZ7RJG6E7IV+0+KA3lQkg4YavVj\n"
	"Lg8OIWgQwDhCfoENjLJG9hZY2iA0vaUJfLXwBriXmaCSPoTZ1Diws4SCRxHXfyu3\n"
	"dA/Wz9pWDpWEN7OJD4e9FwKBgF2i/KK8ppjuJ35RuAdgU5Ca9lGYmzuB/5aVEpZN\n"
	"Jn348djmmS56m9wNMUMrOT3FVXTYL2AzqsNhJq4RAMtdElTS83TTGY3zuKQG21Hj\n"
	"tHC3qphuf9GlfF2DwpUOjdf19qVmPDrPgT2wn/R+2EBUbYp4iJjtQpXLnRLsVwMF\n"
	"mwsBAoGBAIfqnTWhiSJiPJPaRFai2xwLI6wOk4radWJL0RmA8GPXlQ+oayrBs0d4\n"
	"Z6bEqTCzr8EyUIrvwgKkJK8OAjEjETI0RS6QtuRhIlf9uMGTKqrkAv/HRT6D7ly8\n"
	"VoK/Lh6Q2XgX+Kc3d0T9gt7qIGxWUB5vAfupdqHd/4mnk1jgqGXU\n"
	"-----END RSA PRIVATE KEY-----\n";

/* belongs to no certificate */
static const char fixture_other_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgufm34YXyDDrzfb6e\n"
	"+I+5BJaqb6EWQd3o/ri1nI7snGahRANCAAT0/aGnybzZW0DEDC+MQBMg+BhMGD2A\n"
	"GN9xe8mxDABw88H9QJJH26RrnJ38oofg+a2LlqCP+OzO0SiWIRlplGuW\n"
	"-----END PRIVATE KEY-----\n";

#endif
