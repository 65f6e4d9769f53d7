// A conformance backend with one operation, encode.poisson; protocol.md and semantics.md say what is due.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

public class Backend {
    static final String HELLO = """
        {"protocol":1,"name":"my-backend","version":"0.1.0","language":"Java",
        "ops":["encode.poisson"],"profiles":["sequential-f64"],
        "codes":["simulate.steps","input.seed","input.sample","input.shape","input.range"]}""".replace("\n", "");
    static final long MOST_STEPS = 1 << 20, LARGEST_INTEGER = (1L << 53) - 1;
    static final Set<String> NON_FINITE = Set.of("\"NaN\"", "\"Infinity\"", "\"-Infinity\"");

    static class Rejected extends RuntimeException {
        Rejected(String code, String path) {
            super("\"verdict\":\"reject\",\"code\":\"" + code + "\",\"path\":\"" + path + "\",\"message\":\"\"");
        }
    }

    /** Splits an array into the texts of its elements, or an object into those of its keys and values in turn. */
    static List<String> parts(String json) {
        List<String> found = new ArrayList<>();
        for (int p = 0, start = 1, depth = 0; p < json.length(); p++) {
            char c = json.charAt(p);
            if (c == '"') {
                while (json.charAt(++p) != '"') if (json.charAt(p) == '\\') p++;
            } else if (c == '[' || c == '{') {
                depth++;
            } else if (c == ']' || c == '}') {
                depth--;
            }
            if (depth == 0 || (depth == 1 && (c == ',' || c == ':'))) {
                if (!json.substring(start, p).isBlank()) found.add(json.substring(start, p).strip());
                start = p + 1;
            }
        }
        return found;
    }

    /** Maps the names of an object's members to the texts of their values; the names hold no escapes. */
    static Map<String, String> members(String json) {
        Map<String, String> found = new HashMap<>();
        Iterator<String> parts = parts(json).iterator();
        while (parts.hasNext()) found.put(parts.next().replace("\"", ""), parts.next());
        return found;
    }

    static long integer(String text, long lowest, long highest, String code, String path) {
        if (!text.matches("-?\\d{1,18}")) throw new Rejected(code, path); // neither is 2.0 an Integer
        long value = Long.parseLong(text);
        if (value < lowest || value > highest) throw new Rejected(code, path);
        return value;
    }

    static double[] rates(String text) { // all are checked for their type before any is checked for its range
        if (!text.startsWith("[")) throw new Rejected("input.shape", "/rates");
        List<String> list = parts(text);
        double[] rates = new double[list.size()];
        for (int i = 0; i < rates.length; i++) {
            String rate = list.get(i);
            boolean isNumber = rate.matches("[-\\d].*") || NON_FINITE.contains(rate);
            if (!isNumber) throw new Rejected("input.shape", "/rates/" + i);
            rates[i] = Double.parseDouble(rate.replace("\"", "")); // it knows the names of the non-finite ones
        }
        for (int i = 0; i < rates.length; i++) {
            if (!(0 <= rates[i] && rates[i] <= 1)) throw new Rejected("input.range", "/rates/" + i);
        }
        return rates;
    }

    /** Word {@code input} modulo 4 of Philox4x32-10; the 32-bit words live in longs. */
    static long philox(long seed, long sample, long step, int input) {
        final long low = 0xFFFFFFFFL;
        long c0 = step, c1 = input / 4, c2 = sample & low, c3 = sample >>> 32, k0 = seed & low, k1 = seed >>> 32;
        for (int round = 0; round < 10; round++) {
            long left = 0xD2511F53L * c0, right = 0xCD9E8D57L * c2;
            c0 = (right >>> 32) ^ c1 ^ k0;
            c2 = (left >>> 32) ^ c3 ^ k1;
            c1 = right & low;
            c3 = left & low;
            k0 = (k0 + 0x9E3779B9L) & low;
            k1 = (k1 + 0xBB67AE85L) & low;
        }
        return new long[] {c0, c1, c2, c3}[input % 4];
    }

    /** Returns the spike trains of one sample; the checks stand in the order of the rules. */
    static String encodePoisson(Map<String, String> input) {
        long steps = integer(input.get("steps"), 1, MOST_STEPS, "simulate.steps", "/steps");
        long seed = integer(input.get("seed"), 0, LARGEST_INTEGER, "input.seed", "/seed");
        long sample = integer(input.getOrDefault("sample", "0"), 0, LARGEST_INTEGER, "input.sample", "/sample");
        double[] rates = rates(input.get("rates"));
        StringJoiner spikes = new StringJoiner(",", "\"verdict\":\"accept\",\"output\":{\"spikes\":[", "]}");
        for (long step = 0; step < steps; step++) {
            StringJoiner fired = new StringJoiner(",", "[", "]");
            for (int i = 0; i < rates.length; i++)
                if (philox(seed, sample, step, i) < rates[i] * 4294967296.0) fired.add(String.valueOf(i));
            spikes.add(fired.toString());
        }
        return spikes.toString();
    }

    static String answer(Map<String, String> request) {
        try {
            if (request.get("op").equals("\"encode.poisson\"")) return encodePoisson(members(request.get("input")));
            return "\"verdict\":\"unsupported\",\"reason\":\"no such operation\"";
        } catch (Rejected rejected) {
            return rejected.getMessage();
        }
    }

    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            Map<String, String> request = members(line.strip());
            String command = request.get("cmd");
            if (command.equals("\"bye\"")) return;
            if (command.equals("\"hello\"")) out.print(HELLO + "\n");
            if (command.equals("\"run\"")) out.print("{\"id\":" + request.get("id") + "," + answer(request) + "}\n");
            out.flush();
        }
    }
}
