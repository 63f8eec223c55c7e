package config

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDotEnv(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want map[string]string
	}{
		"empty":                     {"", map[string]string{}},
		"comments_and_blank_lines":  {"# x\n\n  # 'y\nA=1", map[string]string{"A": "1"}},
		"windows_line_ends":         {"A=1\r\nB='2'\r\n", map[string]string{"A": "1", "B": "2"}},
		"old_mac_line_ends":         {"A=1\rB=2", map[string]string{"A": "1", "B": "2"}},
		"byte_order_mark":           {"\xef\xbb\xbfPORT=8199\n", map[string]string{"PORT": "8199"}},
		"export":                    {"export A=1\nexport  B = '2' # c\n", map[string]string{"A": "1", "B": "2"}},
		"quotes":                    {`A='a"b'` + "\n" + `B="c'd"` + "\n" + `C="e\"f"`, map[string]string{"A": `a"b`, "B": "c'd", "C": `e"f`}},
		"value_of_several_lines":    {"A=\"one\ntwo=2\n\"\nB=3\n", map[string]string{"A": "one\ntwo=2\n", "B": "3"}},
		"reference":                 {"A=1\nB=${A}2\nC='${A}2'\n", map[string]string{"A": "1", "B": "12", "C": "${A}2"}},
		"equals_sign_and_hash":      {"A=b=c#d # e\n", map[string]string{"A": "b=c#d"}},
		"blank_values":              {"A=\nB=''\nC=\n", map[string]string{"A": "", "B": "", "C": ""}},
		"only_a_comment":            {"A= # c\nexport B =\t#c\nC: # c\nD= #\nE=1\n", map[string]string{"A": "", "B": "", "C": "", "D": "", "E": "1"}},
		"hash_in_quotes":            {"A='# s'\nB= \"#s\"\n", map[string]string{"A": "# s", "B": "#s"}},
		"comment_in_several_lines":  {"A=\"one\nB= # two\n\"\n", map[string]string{"A": "one\nB= # two\n"}},
		"colon_instead_of_equals":   {"A: 1\n", map[string]string{"A": "1"}},
		"url_with_colon_and_equals": {"A=postgres://u:p@h/d?x=y\n", map[string]string{"A": "postgres://u:p@h/d?x=y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := decodeText([]byte(test.text))
			if err != nil {
				t.Fatalf("decodeText = %v, want no error", err)
			}
			var p parser
			got := p.parseDotEnv(text)
			if diff := cmp.Diff(test.want, got); diff != "" || p.problems != nil {
				t.Errorf("problems %v, want none; variables (-want +got):\n%s", p.problems, diff)
			}
		})
	}
}

func TestLoad_DotEnvProblemsNameTheLine(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no_equals_sign":          {"PORT=8000\nhunter2\n", "line 2: must be NAME=value"},
		"dash_in_name":            {"\n# c\nWHATSAPP-TOKEN=hunter2\n", "line 3: the name before = must consist of letters, digits and _"},
		"space_in_name":           {"ADMIN TOKEN=hunter2\n", "line 1: the name before = must consist of letters, digits and _"},
		"no_name":                 {"=hunter2\n", "line 1: the name before = must consist of letters, digits and _"},
		"missing_closing_quote":   {"A=1\r\nADMIN_TOKEN=\"hunter2\r\nPORT=1\r\n", "line 2: the closing quote is missing"},
		"text_after_closing":      {"ADMIN_TOKEN='hunter2' hunter2\nA=1\n", "line 1: only a comment may follow the closing quote"},
		"quote_in_quotes":         {"ADMIN_TOKEN='hun'ter2'\n", "line 1: only a comment may follow the closing quote"},
		"after_value_of_2_lines":  {"A='x\ny'\nhunter2", "line 3: must be NAME=value"},
		"value_begins_with_hash":  {"A=1\nADMIN_TOKEN=#hunter2\n", "line 2: a value that begins with # must be in quotes"},
		"two_problems":            {"hunter2\nhunter2\n", "line 1: must be NAME=valueline 2: must be NAME=value"},
		"utf_16_with_mark":        {"\xff\xfeP\x00O\x00", "the file is UTF-16 or binary: save it as UTF-8"},
		"utf_16_big_endian":       {"\xfe\xff\x00P\x00O", "the file is UTF-16 or binary: save it as UTF-8"},
		"utf_16_without_mark":     {"P\x00O\x00", "the file is UTF-16 or binary: save it as UTF-8"},
		"latin_1":                 {"ADMIN_TOKEN=hunter2\xe9\n", "the file is not UTF-8 text: save it as UTF-8"},
		"marks_in_front_of_names": {"\xef\xbb\xbf\xef\xbb\xbfPORT=1\n", "line 1: the name before = must consist of letters, digits and _"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, "DATABASE_URL="+database)
			writeFile(t, ".env", test.text)
			_, err := Load()
			if problems := problemsByName(t, err); len(problems) != 1 || problems[".env"] != test.want {
				t.Errorf("got error %v, want .env: %s", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got error %q, want one without values", err)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		setenv(t, "DATABASE_URL="+database)
		if err := os.Mkdir(".env", 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Load()
		if want, got := "the file cannot be read: is a directory", problemsByName(t, err)[".env"]; got != want {
			t.Errorf("got problem %q, want %q", got, want)
		}
	})
}

// The environment wins over .env, also where .env sets other variables than ours.
func TestLoad_DotEnvWithByteOrderMark(t *testing.T) {
	setenv(t, "DATABASE_URL="+database, "LOG_LEVEL=warn")
	writeFile(t, ".env", "\xef\xbb\xbfPORT=8199\r\nLOG_LEVEL=debug\r\n")
	cfg, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Port != 8199 || cfg.LogLevel.String() != "WARN" {
		t.Errorf("got port %d and level %v, want 8199 and WARN", cfg.Port, cfg.LogLevel)
	}
}

// Docker Compose passes an unset variable as a blank one.
func TestLoad_BlankVariableCountsAsUnset(t *testing.T) {
	for name, blank := range map[string]string{"empty": "", "space": " ", "quotes": `""`} {
		t.Run(name, func(t *testing.T) {
			setenv(t, "DATABASE_URL="+blank, "API_KEYS="+blank, "ADMIN_TOKEN_FILE="+blank, "PORT="+blank, "GEMINI_FALLBACK_MODEL="+blank, "PGAPPNAME="+blank)
			token := writeFile(t, "token", "0123456789abcdef")
			writeFile(t, ".env", "DATABASE_URL="+database+"\nAPI_KEYS=fedcba9876543210\nADMIN_TOKEN_FILE="+token+
				"\nPORT=8199\nGEMINI_FALLBACK_MODEL=gemini-x\nPGAPPNAME=from-the-file\n")
			cfg, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			want := []string{database, "fedcba9876543210", "0123456789abcdef", "8199", ""}
			got := []string{cfg.DatabaseURL.Reveal(), "", cfg.AdminToken.Reveal(), strconv.Itoa(cfg.Port), cfg.Gemini.FallbackModel}
			if len(cfg.APIKeys) == 1 {
				got[1] = cfg.APIKeys[0].Reveal()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("DATABASE_URL, API_KEYS, ADMIN_TOKEN, PORT, GEMINI_FALLBACK_MODEL (-want +got):\n%s", diff)
			}
			if got := os.Getenv("PGAPPNAME"); got != blank {
				t.Errorf("PGAPPNAME, which is not ours: got %q, want %q", got, blank)
			}
		})
	}
}

func TestLoad_DotEnvReferenceToNothing(t *testing.T) {
	for text, want := range map[string]bool{
		"ADMIN_TOKEN=hunter$HUNTER22222222222\n":                    true,
		"ADMIN_TOKEN=\"hunter${HUNTER2}2222222222222\"\n":           true,
		"ADMIN_TOKEN=x123456789abcdef # costs $5\n":                 false,
		"ADMIN_TOKEN=\"x123456789abcdef\" # see $FOO\n":             false,
		"ADMIN_TOKEN=hunter$(HUNTER2)2222222222222\n":               true,
		"ADMIN_TOKEN: hunter$HUNTER22222222222\n":                   true,
		"ADMIN_TOKEN='hunter$HUNTER22222222222'\n":                  false,
		"ADMIN_TOKEN=hunter\\$HUNTER22222222222\n":                  false,
		"X=hunter222222222222222\nADMIN_TOKEN=$X\n":                 false,
		"# a comment with $HUNTER2\nADMIN_TOKEN=x123456789abcdef\n": false,
	} {
		setenv(t, "DATABASE_URL="+database)
		writeFile(t, ".env", text)
		cfg, err := Load()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(cfg.ReadWarnings) == 1; got != want || strings.Contains(strings.ToLower(strings.Join(cfg.ReadWarnings, "")), "hunter2") {
			t.Errorf("%q: got warnings %q, want one: %t, without the value", text, cfg.ReadWarnings, want)
		}
	}
}

// FuzzParseDotEnv checks that no text makes the parser panic, and that a problem
// never quotes the text.
func FuzzParseDotEnv(f *testing.F) {
	for _, text := range []string{"A=hunter2secret", "A='hunter2secret", "export A=\"hunter2secret\" x", "hunter2secret", "A: hunter2secret\n\n#", "\xef\xbb\xbfA=$hunter2secret"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, content string) {
		text, err := decodeText([]byte(content + "\nhunter2secret=hunter2secret\nX=\"hunter2secret"))
		if err != nil {
			return
		}
		var p parser
		p.parseDotEnv(text)
		if got := p.problems.Error() + strings.Join(p.warnings, ""); strings.Contains(got, "hunter2secret") {
			t.Errorf("%q: got problems %q, want none with values", content, got)
		}
	})
}
