using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>Small networks of the usual families, one to four wide, with units, heads and experts copied on purpose.</summary>
static class RandomNetworks
{
    public static Model Build(Draft draft) => draft.Finish(draft.Choices.Next(9) switch
    {
        0 or 1 => Perceptron(draft),
        2 => Residual(draft),
        3 => Convolution(draft),
        4 => Attention(draft),
        5 => Experts(draft),
        6 => Normalised(draft),
        7 => Embedding(draft),
        _ => Factors(draft),
    });

    static Node Perceptron(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (inputs, hidden, outputs) = (choices.Next(3) + 1, choices.Next(3) + 2, choices.Next(2) + 1);
        var (hasBias, seed) = (choices.Next(2) == 0, choices.Next(20));
        Node Layer(string name, Node x, int units) =>
            b.Dense(x, draft.Parameter($"{name}.weight", units, x.Shape[1]), hasBias ? draft.Parameter($"{name}.bias", units) : null);

        var h = b.Any(Layer("fc1", b.Data("x", new Shape(1, inputs)), hidden), new Choices([seed]));
        if (choices.Next(2) == 0)
        {
            h = b.Any(Layer("fc2", h, hidden), new Choices([seed]));
            Copy("fc1", "fc2");
            if (choices.OneIn(3)) Copy("fc1", "fc2");
        }

        var last = h.Operands.Count > 0 && draft.Has("fc2.weight") ? "fc2" : "fc1";
        var y = Layer("fc3", h, outputs);
        Copy(last, "fc3");
        return choices.OneIn(3) ? b.Softmax(y) : y;

        void Copy(string incoming, string outgoing)
        {
            if (hasBias) draft.CopyUnit(hidden, ($"{incoming}.weight", 0, false), ($"{incoming}.bias", 0, false), ($"{outgoing}.weight", 1, true));
            else draft.CopyUnit(hidden, ($"{incoming}.weight", 0, false), ($"{outgoing}.weight", 1, true));
        }
    }

    static Node Residual(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (width, hidden, blocks) = (choices.Next(3) + 1, choices.Next(3) + 1, choices.Next(2) + 1);
        var x = b.Data("x", new Shape(1, width));
        for (var block = 0; block < blocks; block++)
        {
            var up = draft.Parameter($"up{block}", hidden, width);
            var down = draft.Parameter($"down{block}", width, hidden);
            draft.CopyUnit(hidden, ($"up{block}", 0, false), ($"down{block}", 1, true));
            x = b.Add(x, b.Dense(b.Any(b.Dense(x, up), choices), down));
        }

        if (blocks == 2 && choices.OneIn(2))
        {
            draft.CopyTensor("up0", "up1");
            draft.CopyTensor("down0", "down1");
        }

        return choices.Next(2) == 0 ? x : b.Dense(x, draft.Parameter("head", choices.Next(2) + 1, width));
    }

    static Node Convolution(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (channels, length, filters) = (choices.Next(2) + 1, 4, choices.Next(3) + 1);
        var x = b.Data("x", new Shape(channels, length));
        if (choices.Next(2) == 1) // a zero on either side
        {
            var padded = new Shape(channels, length + 2);
            x = b.Gather(x, new IndexMap.Table(x.Shape, padded, [.. Enumerable.Range(0, channels * (length + 2)).Select(k =>
                k % (length + 2) is var at && at is 0 || at == length + 1 ? -1 : k / (length + 2) * length + at - 1)]));
            length += 2;
        }

        const int taps = 3;
        var windows = new Shape(channels, length - taps + 1, taps);
        var view = b.Gather(x, new IndexMap.Affine(x.Shape, windows, 0, new Axes(length, 1, 1)));
        var y = b.Contract("oct", "cpt", "op", draft.Parameter("kernel", filters, channels, taps), view);
        if (choices.Next(2) == 0) y = b.Add(y, b.Broadcast(draft.Parameter("bias", filters), y.Shape, 1));
        y = b.Any(y, choices);
        var pooled = choices.Next(3) switch
        {
            0 => b.ReduceSum(y, 1),
            1 => b.Max(y, TieBreak.First),
            _ => b.Reshape(b.Gather(y, new IndexMap.Affine(y.Shape, new Shape(filters, 1), 0, new Axes(y.Shape[1], 1))), new Shape(filters)),
        };
        var head = draft.Parameter("head", 2, filters);
        draft.CopyUnit(filters, ("kernel", 0, false), ("head", 1, true));
        return b.Contract("of", "f", "o", head, pooled);
    }

    static Node Attention(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (positions, width, inner, heads) = (3, choices.Next(2) + 1, choices.Next(2) + 1, choices.Next(2) + 1);
        var hasBias = choices.Next(2) == 0;
        var x = b.Data("x", new Shape(positions, width));
        if (choices.OneIn(3)) x = b.Add(x, draft.Parameter("position", positions, width));
        Node? sum = null;
        for (var head = 0; head < heads; head++)
        {
            Node Project(string name) =>
                b.Dense(x, draft.Parameter($"{name}{head}.weight", inner, width), hasBias ? draft.Parameter($"{name}{head}.bias", inner) : null);
            var (q, k, v) = (Project("q"), Project("k"), Project("v"));
            var weights = b.Softmax(b.Contract("qi", "ki", "qk", q, k));
            var y = b.Dense(b.Contract("qk", "ki", "qi", weights, v), draft.Parameter($"o{head}.weight", width, inner));
            draft.CopyUnit(inner, ($"q{head}.weight", 0, false), ($"k{head}.weight", 0, false), ($"v{head}.weight", 0, false), ($"o{head}.weight", 1, true));
            sum = sum is null ? y : b.Add(sum, y);
        }

        if (heads == 2 && choices.OneIn(2))
            foreach (var name in new[] { "q", "k", "v", "o" }) draft.CopyTensor($"{name}0.weight", $"{name}1.weight");
        return choices.OneIn(3) ? b.Normalise(b.Add(x, sum!), 0) : sum!;
    }

    static Node Experts(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (inputs, hidden, experts) = (choices.Next(2) + 1, choices.Next(2) + 1, choices.Next(2) + 2);
        var x = b.Data("x", new Shape(1, inputs));
        var logits = b.Dense(x, draft.Parameter("router", experts, inputs));
        var gates = b.Softmax(logits);
        switch (choices.Next(4))
        {
            case 1: // the best expert only, its gate renormalised or not
                gates = choices.Next(2) == 0 ? b.Multiply(b.Choose(logits, 1, TieBreak.First), gates) : b.Choose(logits, 1, TieBreak.First);
                break;
            case 2: // one expert is switched off
                gates = b.Multiply(b.Choose(logits, 1, TieBreak.Split, new AllowedElements([.. Enumerable.Range(0, experts).Select(k => k > 0)])), gates);
                break;
            case 3: // all but the worst
                gates = b.Multiply(b.Choose(logits, experts - 1, choices.Of(TieBreak.First, TieBreak.Split)), gates);
                break;
        }

        var seed = choices.Next(20);
        Node? sum = null;
        for (var k = 0; k < experts; k++)
        {
            var up = draft.Parameter($"up{k}", hidden, inputs);
            var down = draft.Parameter($"down{k}", 2, hidden);
            if (k > 0 && choices.Next(3) != 0)
            {
                draft.CopyTensor("up0", $"up{k}");
                draft.CopyTensor("down0", $"down{k}");
            }

            var y = b.Dense(b.Any(b.Dense(x, up), new Choices([seed])), down);
            var gate = b.Gather(gates, new IndexMap.Affine(gates.Shape, new Shape(1, 1), k, new Axes(0, 0)));
            var part = b.Multiply(y, b.BroadcastTo(gate, y.Shape));
            sum = sum is null ? part : b.Add(sum, part);
        }

        return sum!;
    }

    static Node Normalised(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (batch, inputs, hidden) = (3, choices.Next(2) + 1, choices.Next(2) + 2);
        var x = b.Data("x", new Shape(batch, inputs));
        var h = b.Dense(x, draft.Parameter("fc1.weight", hidden, inputs), draft.Parameter("fc1.bias", hidden));
        h = b.Normalise(h, choices.Next(2)); // over the batch or over the units
        h = b.Multiply(h, b.BroadcastTo(draft.Parameter("scale", hidden), h.Shape));
        if (choices.Next(2) == 0) h = b.Add(h, b.BroadcastTo(draft.Parameter("shift", hidden), h.Shape));
        h = b.Any(h, choices);
        var y = b.Dense(h, draft.Parameter("fc2.weight", choices.Next(2) + 1, hidden));
        draft.CopyUnit(hidden, ("fc1.weight", 0, false), ("fc1.bias", 0, false), ("scale", 0, false), ("fc2.weight", 1, true));
        return y;
    }

    static Node Embedding(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (words, width, positions) = (choices.Next(2) + 2, choices.Next(2) + 1, choices.Next(2) + 1);
        var table = draft.Parameter("table", words, width);
        if (choices.OneIn(2)) draft.CopyUnit(words, ("table", 0, false));
        var x = b.Contract("nw", "wi", "ni", b.Data("token", new Shape(positions, words), DataKind.Distribution), table);
        var projection = draft.Parameter("projection", width, width);
        draft.CopyUnit(width, ("table", 1, false), ("projection", 1, true));
        var h = b.Any(b.Dense(x, projection), choices);
        return choices.Next(3) switch
        {
            0 => b.Dense(h, table), // tied to the table, and so to the rows of the tokens
            1 => b.Softmax(b.Dense(h, draft.Parameter("head", 2, width))),
            _ => b.ReduceSum(h, 0),
        };
    }

    static Node Factors(Draft draft)
    {
        var (b, choices) = (draft.Builder, draft.Choices);
        var (width, rank) = (choices.Next(2) + 2, choices.Next(2) + 1);
        var x = b.Data("x", new Shape(1, width));
        switch (choices.Next(4))
        {
            case 0: // xᵀWx, sometimes with a symmetric W
                var name = "W";
                var w = draft.Parameter(name, width, width);
                if (choices.Next(3) != 0) draft.MakeSymmetric(name, width);
                return b.ReduceSum(b.Multiply(b.Any(b.Dense(x, w), choices), x), 1);
            case 1: // a low-rank update of a dense layer
                var low = b.Dense(b.Dense(x, draft.Parameter("A", rank, width)), draft.Parameter("B", width, rank));
                draft.CopyUnit(rank, ("A", 0, false), ("B", 1, true));
                return b.Any(b.Add(b.Dense(x, draft.Parameter("W", width, width)), low), choices);
            case 2: // a gated unit: (Ux) ⊙ f(Vx)
                var gated = b.Multiply(b.Dense(x, draft.Parameter("U", rank + 1, width)), b.Any(b.Dense(x, draft.Parameter("V", rank + 1, width)), choices));
                var y = b.Dense(gated, draft.Parameter("O", 1, rank + 1));
                draft.CopyUnit(rank + 1, ("U", 0, false), ("V", 0, false), ("O", 1, true));
                return y;
            default: // one matrix used at every step
                var recurrent = draft.Parameter("R", width, width);
                var input = draft.Parameter("I", width, width);
                if (choices.Next(2) == 0) draft.CopyUnit(width, ("R", 0, false), ("R", 1, true), ("I", 0, false));
                var state = b.Any(b.Dense(x, input), choices);
                return b.Apply(FunctionKind.Tanh, b.Add(b.Dense(state, recurrent), b.Dense(b.Data("x2", new Shape(1, width)), input)));
        }
    }
}
