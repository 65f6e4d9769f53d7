// A conformance backend with one operation, encode.poisson; protocol.md and semantics.md say what is due.
package main

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"strconv"
)

type object = map[string]any

var hello = object{
	"protocol": 1, "name": "my-backend", "version": "0.1.0", "language": "Go",
	"ops": []string{"encode.poisson"}, "profiles": []string{"sequential-f64"},
	"codes": []string{"simulate.steps", "input.seed", "input.sample", "input.shape", "input.range"},
}

const mostSteps, largestInteger = 1 << 20, 1<<53 - 1

// integer reads an Integer, and tells whether the value is one (2.0 is not) within a range.
func integer(value any, lowest, highest int64) (int64, bool) {
	text, _ := value.(json.Number)
	number, err := strconv.ParseInt(string(text), 10, 64)
	return number, err == nil && lowest <= number && number <= highest
}

// number reads a Number, and tells whether the value is one.
func number(value any) (float64, bool) {
	_, isNumber := value.(json.Number)
	isNumber = isNumber || value == "NaN" || value == "Infinity" || value == "-Infinity"
	number, err := strconv.ParseFloat(fmt.Sprint(value), 64) // it knows these three words
	return number, err == nil && isNumber
}

// philox returns the four words of Philox4x32-10.
func philox(c [4]uint32, k0, k1 uint32) [4]uint32 {
	for round := 0; round < 10; round++ {
		leftHigh, left := bits.Mul32(0xD2511F53, c[0])
		rightHigh, right := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{rightHigh ^ c[1] ^ k0, right, leftHigh ^ c[3] ^ k1, left}
		k0, k1 = k0+0x9E3779B9, k1+0xBB67AE85
	}
	return c
}

func reject(code, path string) object {
	return object{"verdict": "reject", "code": code, "path": path, "message": "not as " + code + " demands"}
}

// encodePoisson answers with the spike trains of one sample; the checks stand in the order of the rules.
func encodePoisson(input object) object {
	steps, isSteps := integer(input["steps"], 1, mostSteps)
	seed, isSeed := integer(input["seed"], 0, largestInteger)
	sample, isSample := integer(input["sample"], 0, largestInteger)
	_, given := input["sample"]
	list, isList := input["rates"].([]any)
	switch {
	case !isSteps:
		return reject("simulate.steps", "/steps")
	case !isSeed:
		return reject("input.seed", "/seed")
	case given && !isSample:
		return reject("input.sample", "/sample")
	case !isList:
		return reject("input.shape", "/rates")
	}
	rates := make([]float64, len(list))
	for i, value := range list {
		rate, isNumber := number(value)
		if !isNumber {
			return reject("input.shape", fmt.Sprint("/rates/", i))
		}
		rates[i] = rate
	}
	for i, rate := range rates {
		if !(0 <= rate && rate <= 1) {
			return reject("input.range", fmt.Sprint("/rates/", i))
		}
	}
	spikes := make([][]int, steps)
	for step := range spikes {
		spikes[step] = []int{}
		for i, rate := range rates {
			counter := [4]uint32{uint32(step), uint32(i / 4), uint32(sample), uint32(sample >> 32)}
			if float64(philox(counter, uint32(seed), uint32(seed>>32))[i%4]) < rate*4294967296.0 {
				spikes[step] = append(spikes[step], i)
			}
		}
	}
	return object{"verdict": "accept", "output": object{"spikes": spikes}}
}

func answer(op string, input object) object {
	if op == "encode.poisson" {
		return encodePoisson(input)
	}
	return object{"verdict": "unsupported", "reason": "no operation " + op}
}

func main() {
	requests, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	requests.UseNumber()
	for {
		var request struct {
			Cmd, ID, Op string
			Input       object
		}
		if requests.Decode(&request) != nil || request.Cmd == "bye" {
			return // the end of the input is a goodbye too
		}
		if request.Cmd == "hello" {
			answers.Encode(hello)
		}
		if request.Cmd == "run" { // the fourth command, root, is for operations that read files
			verdict := answer(request.Op, request.Input)
			verdict["id"] = request.ID
			answers.Encode(verdict)
		}
	}
}
