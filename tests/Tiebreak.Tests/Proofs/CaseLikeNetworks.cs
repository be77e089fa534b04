using System.Globalization;

namespace Tiebreak.Tests.Proofs;

/// <summary>
/// Random networks of the kinds of the shared cases, as formulas: dense networks of tanh, relu and sigmoid with constant, zero or random layers, widened and sign-flipped ones, attention, experts,
/// convolutions, biases before normalisations, bilinear forms, ensembles. The loss is any: a random weight for each output.
/// </summary>
sealed class CaseLikeNetworks(int seed)
{
    readonly Random _random = new(seed);
    readonly List<string> _lines = [];

    /// <summary>The formula of one network.</summary>
    public string Formula()
    {
        var (data, output, outputs) = _random.Next(8) switch
        {
            0 or 1 or 2 => Dense(),
            3 => Widened(),
            4 => Attention(),
            5 => Experts(),
            6 => _random.Next(2) == 0 ? Normalised() : Convolution(),
            _ => _random.Next(2) == 0 ? Bilinear() : Ensemble(),
        };
        return $"{string.Join('\n', _lines)}\ndata {data}, g[{outputs}]\nloss sum(g * ({output}))";
    }

    (string Data, string Output, int Outputs) Dense()
    {
        int[] sizes = [_random.Next(1, 4), _random.Next(2, 5), _random.Next(2, 5), _random.Next(1, 3)];
        var activation = Activation();
        var h = "x";
        for (var layer = 1; layer < sizes.Length; layer++)
        {
            Declare($"W{layer}", [sizes[layer], sizes[layer - 1]], Start());
            Declare($"b{layer}", [sizes[layer]], _random.Next(2) == 0 ? _ => 0 : Start());
            h = $"W{layer} @ {h} + b{layer}";
            if (layer < sizes.Length - 1) h = $"{activation}({h})";
        }

        return ($"x[{sizes[0]}]", h, sizes[^1]);
    }

    // A unit and its copy, or its negative; the outgoing weights are the same, the negative, halves, or others.
    (string Data, string Output, int Outputs) Widened()
    {
        var (inputs, units, outputs) = (_random.Next(1, 4), _random.Next(3, 6), _random.Next(1, 3));
        var sign = _random.Next(2) == 0 ? 1 : -1;
        var outgoing = _random.Next(3);
        double[] w = Draw(units * inputs), b = Draw(units), v = Draw(outputs * units);
        for (var k = 0; k < inputs; k++) w[inputs + k] = sign * w[k];
        b[1] = sign * b[0];
        for (var k = 0; k < outputs && outgoing < 2; k++) v[k * units + 1] = (outgoing == 0 ? 1 : sign) * v[k * units];
        Declare("W", [units, inputs], k => w[k]);
        Declare("b", [units], k => b[k]);
        Declare("V", [outputs, units], k => v[k]);
        Declare("c", [outputs], Start());
        return ($"x[{inputs}]", $"V @ {Activation()}(W @ x + b) + c", outputs);
    }

    (string Data, string Output, int Outputs) Attention()
    {
        const int positions = 3;
        var (width, inner, heads) = (_random.Next(2, 4), _random.Next(1, 3), _random.Next(1, 3));
        var isCopy = _random.Next(2) == 0;
        var starts = new Dictionary<string, Func<int, double>>();
        var terms = new List<string>();
        var hasBias = _random.Next(2) == 0;
        for (var head = 0; head < heads; head++)
        {
            foreach (var name in new[] { "q", "k", "v", "o" })
            {
                if (head == 0 || !isCopy) starts[name] = Fixed(_random.Next(6) == 0 ? _ => 0 : Start(), inner * width);
                Declare($"{name}{head}", name == "o" ? [width, inner] : [inner, width], starts[name]);
                if (hasBias && name != "o") Declare($"{name}b{head}", [inner], _ => 0);
            }

            string Project(string name) => $"(x @ {name}{head}.T{(hasBias ? $" + {name}b{head}" : "")})";
            terms.Add($"softmax({Project("q")} @ {Project("k")}.T) @ {Project("v")} @ o{head}.T".Replace($"{Project("k")}.T", $"transpose({Project("k")})", StringComparison.Ordinal));
        }

        return ($"x[{positions},{width}]", $"sum({string.Join(" + ", terms)}, axis=0)", width);
    }

    (string Data, string Output, int Outputs) Experts()
    {
        var (inputs, hidden, experts, outputs) = (_random.Next(1, 4), _random.Next(1, 4), _random.Next(2, 4), _random.Next(1, 3));
        var activation = Activation();
        var isCopy = _random.Next(2) == 0;
        Declare("router", [experts, inputs], _random.Next(2) == 0 ? _ => 0 : Start());
        var (up, down) = (Fixed(Start(), hidden * inputs), Fixed(Start(), outputs * hidden));
        var terms = new List<string>();
        for (var expert = 0; expert < experts; expert++)
        {
            if (expert > 0 && !isCopy) (up, down) = (Fixed(Start(), hidden * inputs), Fixed(Start(), outputs * hidden));
            Declare($"up{expert}", [hidden, inputs], up);
            Declare($"down{expert}", [outputs, hidden], down);
            terms.Add($"softmax(router @ x)[{expert}] * (down{expert} @ {activation}(up{expert} @ x))");
        }

        return ($"x[{inputs}]", string.Join(" + ", terms), outputs);
    }

    (string Data, string Output, int Outputs) Normalised()
    {
        const int batch = 3;
        var (inputs, units, axis) = (_random.Next(1, 4), _random.Next(2, 4), _random.Next(2));
        Declare("W", [units, inputs], Start());
        Declare("b", [units], Start());
        Declare("scale", [units], _ => 1);
        Declare("shift", [units], _ => 0);
        Declare("V", [2, units], Start());
        _lines.Add($"data x[{batch},{inputs}]");
        _lines.Add("let h = x @ W.T + b");
        var n = axis == 0
            ? "(h - mean(h, axis=0)) * rsqrt(var(h, axis=0) + 0.00001)"
            : $"(h - transpose([{string.Join(", ", Enumerable.Repeat("mean(h, axis=1)", units))}])) * transpose([{string.Join(", ", Enumerable.Repeat("rsqrt(var(h, axis=1) + 0.00001)", units))}])";
        return ("unused", $"sum(tanh({n} * scale + shift) @ V.T, axis=0) + unused", 2);
    }

    (string Data, string Output, int Outputs) Convolution()
    {
        const int length = 5, taps = 3;
        var filters = _random.Next(2, 4);
        var activation = Activation();
        Declare("K", [filters, taps], Start());
        Declare("b", [filters], Start());
        Declare("V", [2, filters], Start());
        var sums = string.Join(" + ", Enumerable.Range(0, length - taps + 1).Select(at => $"{activation}(K @ x[{at}:{at + taps}] + b)"));
        return ($"x[{length}]", $"V @ ({sums})", 2);
    }

    (string Data, string Output, int Outputs) Bilinear()
    {
        var width = _random.Next(2, 4);
        var values = Draw(width * width);
        Declare("W", [width, width], k => values[Math.Min(k, k % width * width + k / width)]);
        return ($"x[{width}]", "x @ W @ x", 1);
    }

    (string Data, string Output, int Outputs) Ensemble()
    {
        var (inputs, units) = (_random.Next(1, 4), _random.Next(1, 4));
        var activation = Activation();
        var (w, v) = (Fixed(Start(), units * inputs), Fixed(Start(), 2 * units));
        var terms = new List<string>();
        for (var member = 0; member < 2; member++)
        {
            if (member == 1 && _random.Next(4) == 0) w = Fixed(Start(), units * inputs);
            Declare($"W{member}", [units, inputs], w);
            Declare($"V{member}", [2, units], v);
            terms.Add($"V{member} @ {activation}(W{member} @ x)");
        }

        return ($"x[{inputs}]", $"({string.Join(" + ", terms)}) / 2", 2);
    }

    string Activation() => (_random.Next(5) switch { 0 or 1 => "tanh", 2 or 3 => "relu", _ => "sigmoid" });

    // How layers start: mostly random, often constant or zero.
    Func<int, double> Start()
    {
        if (_random.Next(5) is var style && style == 0) return _ => 0;
        return style == 1 ? _ => 0.125 : _ => Some();
    }

    // Sixty-fourths, which decimals write exactly; never 0.
    double Some() => (_random.Next(2) == 0 ? 1 : -1) * _random.Next(1, 100) / 64.0;

    double[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => Some())];

    static Func<int, double> Fixed(Func<int, double> start, int count)
    {
        double[] values = [.. Enumerable.Range(0, count).Select(start)];
        return k => values[k];
    }

    void Declare(string name, int[] sizes, Func<int, double> start)
    {
        string Number(int k) => start(k).ToString(CultureInfo.InvariantCulture);
        var rows = sizes.Length == 1
            ? $"[{string.Join(", ", Enumerable.Range(0, sizes[0]).Select(Number))}]"
            : $"[{string.Join(", ", Enumerable.Range(0, sizes[0]).Select(row => $"[{string.Join(", ", Enumerable.Range(0, sizes[1]).Select(column => Number(row * sizes[1] + column)))}]"))}]";
        _lines.Add($"param {name}[{string.Join(",", sizes)}] = {rows}");
    }
}
