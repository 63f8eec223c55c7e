package waitlist

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
)

const (
	// codeAlphabet is Crockford's base 32: no I, L, O and U, which people confuse
	// with other characters.
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLength   = 9  // 8 characters of 5 bits, and the check character
	maxTypedCode = 64 // bytes; a longer text is no code
	maxCodedID   = 1<<40 - 1
	halfBits     = 20
	halfMask     = 1<<halfBits - 1
	codeRounds   = 10 // as many as FF1 of NIST SP 800-38G has
)

// Coder converts ids of entries to referral codes and back. A code contains the id,
// encrypted, so that it shows neither how many people are on the list nor what the
// next code is, and needs no index to be found.
//
// The 40 bits of the id go through a Feistel network whose round function is AES.
// The ninth character depends on the key too. A random text is therefore the code of
// one of five million entries with a probability of 1 in 7 million.
type Coder struct{ block cipher.Block }

// NewCoder returns a Coder. The same key, of any length, always gives the same codes.
func NewCoder(key []byte) Coder {
	hash := sha256.Sum256(key)
	block, err := aes.NewCipher(hash[:])
	if err != nil {
		panic(fmt.Sprintf("waitlist: a hash is not an AES key: %v", err)) // its length is fixed
	}
	return Coder{block: block}
}

// Code returns the referral code of the entry: 9 digits and capital letters.
func (c Coder) Code(id int64) string {
	number := c.encrypt(uint64(id) & maxCodedID) //nolint:gosec // ids are positive
	var code [codeLength]byte
	for i, rest := codeLength-2, number; i >= 0; i, rest = i-1, rest>>5 {
		code[i] = codeAlphabet[rest&31]
	}
	code[codeLength-1] = c.check(number)
	return string(code[:])
}

// ID returns the id in a code that a person may have typed: letter case, spaces and
// dashes do not matter, O counts as 0, and I and L count as 1. It returns 0 and false
// for a text that is not a code. The entry of the id may not exist.
func (c Coder) ID(code string) (int64, bool) {
	digits, ok := codeDigits(code)
	if !ok {
		return 0, false
	}
	var number uint64
	for _, digit := range digits[:codeLength-1] {
		number = number<<5 | uint64(strings.IndexByte(codeAlphabet, digit)) //nolint:gosec // from 0 to 31
	}
	id := c.decrypt(number)
	if id == 0 || digits[codeLength-1] != c.check(number) {
		return 0, false
	}
	return int64(id), true //nolint:gosec // at most maxCodedID
}

// codeDigits returns the characters of a typed code as they are in codeAlphabet.
func codeDigits(typed string) (digits [codeLength]byte, ok bool) {
	if len(typed) > maxTypedCode {
		return digits, false
	}
	n := 0
	for _, r := range typed {
		if r == '-' || unicode.IsSpace(r) {
			continue
		}
		digit := codeDigit(r)
		if n == codeLength || digit == 0 {
			return digits, false
		}
		digits[n] = digit
		n++
	}
	return digits, n == codeLength
}

// codeDigit returns 0 for a character that no code has.
func codeDigit(r rune) byte {
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	if i := strings.IndexRune(codeAlphabet, r); i >= 0 {
		return codeAlphabet[i]
	}
	return 0
}

func (c Coder) encrypt(number uint64) uint64 {
	left, right := number>>halfBits, number&halfMask
	for round := range byte(codeRounds) {
		left, right = right, left^c.hash(round, right)&halfMask
	}
	return left<<halfBits | right
}

func (c Coder) decrypt(number uint64) uint64 {
	left, right := number>>halfBits, number&halfMask
	for i := range byte(codeRounds) {
		left, right = right^c.hash(codeRounds-1-i, left)&halfMask, left
	}
	return left<<halfBits | right
}

// check returns the last character of the code whose other characters are number.
func (c Coder) check(number uint64) byte {
	return codeAlphabet[c.hash(codeRounds, number)&31]
}

// hash returns 64 bits that depend on the key, the round and the value.
func (c Coder) hash(round byte, value uint64) uint64 {
	var block [aes.BlockSize]byte
	block[0] = round
	binary.BigEndian.PutUint64(block[8:], value)
	c.block.Encrypt(block[:], block[:])
	return binary.BigEndian.Uint64(block[:])
}
