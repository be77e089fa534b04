using global::Onnx;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Branches and loops: a known condition picks a branch, a known number of trips unrolls a loop.</summary>
static class ControlFlow
{
    const int MostTrips = 10_000;

    public static void If(OperatorCall call)
    {
        var condition = call.Input(0);
        if (condition.Shape.Count != 1) throw call.Fail($"its condition of shape {condition.Shape} is no single value");
        var first = condition.Integers is { } known ? known[0] != 0 : call.Lowering.Branches.Decide(call.NodeOf(condition), call.Name);
        var results = call.Lowering.LowerNested(Graph(call, first ? "then_branch" : "else_branch"), call);
        SetAll(call, results);
    }

    public static void Loop(OperatorCall call)
    {
        var body = Graph(call, "body");
        var trips = call.Has(0) ? Known(call, call.Input(0), "number of trips") : long.MaxValue;
        var goesOn = !call.Has(1) || Known(call, call.Input(1), "condition") != 0;
        var carried = new Value[Math.Max(0, call.InputCount - 2)];
        for (var k = 0; k < carried.Length; k++) carried[k] = call.Input(k + 2);
        var scanned = Enumerable.Range(0, Math.Max(0, body.Output.Count - 1 - carried.Length)).Select(_ => new List<Value>()).ToArray();
        for (long trip = 0; trip < trips && goesOn; trip++)
        {
            if (trip == MostTrips) throw call.Fail($"it makes more than {MostTrips} trips; choose smaller sizes");
            var results = call.Lowering.LowerNested(body, call, [Value.Of(Shape.Scalar, [trip]), Value.Of(Shape.Scalar, [1], ElementKind.Bool), .. carried]);
            goesOn = Known(call, results[0], "condition") != 0;
            for (var k = 0; k < carried.Length; k++) carried[k] = results[1 + k];
            for (var k = 0; k < scanned.Length; k++) scanned[k].Add(results[1 + carried.Length + k]);
        }

        SetAll(call, [.. carried, .. scanned.Select(list => Stacked(call, list, 0))]);
    }

    public static void Scan(OperatorCall call)
    {
        var body = Graph(call, "body");
        var scans = (int)call.Int("num_scan_inputs", 0);
        var states = call.InputCount - scans;
        if (scans < 1 || states < 0 || body.Output.Count < states) throw call.Fail($"{scans} of {call.InputCount} operands to scan do not fit its body; export the model again");
        var made = body.Output.Count - states;
        var axes = call.Ints("scan_input_axes") ?? new int[scans];
        var directions = call.Ints("scan_input_directions") ?? new int[scans];
        var outputAxes = call.Ints("scan_output_axes") ?? new int[made];
        var outputDirections = call.Ints("scan_output_directions") ?? new int[made];
        if (axes.Length != scans || directions.Length != scans || outputAxes.Length != made || outputDirections.Length != made) throw call.Fail("its axes and directions do not fit its operands and results");
        var carried = new Value[states];
        for (var k = 0; k < states; k++) carried[k] = call.Input(k);
        var scanned = new Value[scans];
        for (var k = 0; k < scans; k++)
        {
            scanned[k] = call.Input(states + k);
            axes[k] = call.Axis(axes[k], scanned[k].Shape.Rank);
        }

        var trips = scanned[0].Shape[axes[0]];
        if (trips > MostTrips) throw call.Fail($"it makes {trips} trips, more than {MostTrips}; choose smaller sizes");
        for (var k = 1; k < scans; k++)
            if (scanned[k].Shape[axes[k]] != trips) throw call.Fail($"its operands have {trips} and {scanned[k].Shape[axes[k]]} elements to scan");
        var collected = Enumerable.Range(0, made).Select(_ => new List<Value>()).ToArray();
        for (var trip = 0; trip < trips; trip++)
        {
            var pieces = new Value[scans];
            for (var k = 0; k < scans; k++) pieces[k] = Piece(call, scanned[k], axes[k], directions[k] == 0 ? trip : trips - 1 - trip);
            var results = call.Lowering.LowerNested(body, call, [.. carried, .. pieces]);
            for (var k = 0; k < states; k++) carried[k] = results[k];
            for (var k = 0; k < made; k++) collected[k].Insert(outputDirections[k] == 0 ? trip : 0, results[states + k]);
        }

        SetAll(call, [.. carried, .. collected.Select((list, k) => Stacked(call, list, outputAxes[k]))]);
    }

    static GraphProto Graph(OperatorCall call, string attribute) => call.Find(attribute)?.G ?? throw call.Fail($"its {attribute} is missing; export the model again");

    static long Known(OperatorCall call, Value value, string what) => value.Integers is { Length: 1 } known
        ? known[0]
        : throw call.Fail($"its {what} depends on data, so how often it runs is not known; export the model without that loop, or leave that part out with --outputs");

    static void SetAll(OperatorCall call, Value[] results)
    {
        if (results.Length < call.OutputCount) throw call.Fail($"its inner graph gives {results.Length} values, not {call.OutputCount}; export the model again");
        for (var k = 0; k < call.OutputCount; k++)
            if (call.HasOutput(k)) call.Set(k, results[k]);
    }

    static Value Piece(OperatorCall call, Value value, int axis, int at)
    {
        var positions = new int[]?[value.Shape.Rank];
        positions[axis] = [at];
        return ValueMoves.Reshape(call, ValueMoves.Grid(call, value, positions), new Shape([.. value.Shape.Sizes.Take(axis), .. value.Shape.Sizes.Skip(axis + 1)]));
    }

    static Value Stacked(OperatorCall call, List<Value> pieces, int axis)
    {
        if (pieces.Count == 0) throw call.Fail("it makes no trip, so the shape of what it collects is not known; choose larger sizes");
        axis = call.Axis(axis, pieces[0].Shape.Rank + 1);
        return ValueMoves.Concat(call, [.. pieces.Select(piece => ValueMoves.Reshape(call, piece, new Shape([.. piece.Shape.Sizes.Take(axis), 1, .. piece.Shape.Sizes.Skip(axis)])))], axis);
    }
}
